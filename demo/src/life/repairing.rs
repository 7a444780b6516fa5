//! What is brought to the workshops, from the counter to the invoice.

use std::num::NonZeroU32;

use chrono::{NaiveTime, Weekday};
use daftar_billing::follower::Duty;
use daftar_domain::{
    Currency, Description, Money, SealedFor, VatCategory,
    branch::{self, Branch, BranchDetails, Location, OpenBranch, OpeningHours},
    ids::{BranchId, CommentId, PartId, PartRequestId, RepairId, StockMoveId, stock_id},
    invoice::VatTreatment,
    part::{self, Part, RegisterPart},
    repair::{
        ApproveEstimate, AssignTechnician, Audience, CancelRepair, CloseRepair, Command, Comment, Coverage, DeclineEstimate, DeliverRepair,
        Device, EstimateRepair, FinishWork, OfferTerms, Offered, PassCheck, RecordDiagnosis, Repair, RequestPart, RequestRepair, Side,
        StartWork, Status, UsePart,
    },
    stock::{self, ReceiveStock, Stock},
};
use rust_decimal::Decimal;

use super::{Act, Life, supplying::reason};
use crate::{
    DemoError,
    people::{Person, text},
    world::{Staff, World, later},
};

/// Each with its name in both languages, where it is, and degrees north and east.
const BRANCHES: [(&str, &str, &str, &str, [&str; 2]); 3] = [
    ("north", "فرع الشمال", "North branch", "طريق الملك سلمان، حي النرجس، الرياض", ["24.8413", "46.6680"]),
    ("east", "فرع الشرق", "East branch", "طريق خريص، حي الروابي، الرياض", ["24.6932", "46.7906"]),
    ("south", "فرع الجنوب", "South branch", "شارع الترمذي، حي الشفا، الرياض", ["24.5606", "46.6941"]),
];

/// What breaks: what it is called, its model, what is said of it, what is found, and the part that mends it with its price and its cost.
const TROUBLES: [Trouble; 4] = [
    Trouble {
        device: ("pump", "مضخة مياه", "WP-750"),
        complaint: "لا تدفع الماء إلى الخزان",
        findings: "محرك المضخة محترق",
        part: ("motor-750", "محرك مضخة", "420", 28_000),
    },
    Trouble {
        device: ("cooler", "مبرد مياه", "WC-200"),
        complaint: "الماء لا يبرد",
        findings: "الضاغط لا يعمل",
        part: ("compressor-200", "ضاغط", "450", 30_000),
    },
    Trouble {
        device: ("heater", "سخان مياه", "WH-80"),
        complaint: "يفصل القاطع عند تشغيله",
        findings: "عنصر التسخين متآكل",
        part: ("element-80", "عنصر تسخين", "95.50", 5_200),
    },
    Trouble {
        device: ("stabiliser", "منظم جهد", "VS-30"),
        complaint: "الشاشة مطفأة",
        findings: "لوحة التحكم تالفة",
        part: ("board-30", "لوحة تحكم", "260", 14_500),
    },
];

/// Pieces that come at a time.
const DELIVERY: u32 = 4;

struct Trouble {
    device: (&'static str, &'static str, &'static str),
    complaint: &'static str,
    findings: &'static str,
    part: (&'static str, &'static str, &'static str, i64),
}

/// A device that somebody has brought.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    person: usize,
    trouble: usize,
    repair_id: RepairId,
    branch_id: BranchId,
}

/// What is done with it next.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Look,
    Answer,
    /// The part that was short has come.
    Restock,
    Mend,
    Collect,
}

fn said(words: &str) -> Description {
    Description::new(words).expect("a description")
}

fn branch_id(world: &World, code: &str) -> BranchId {
    BranchId::new(world.id(&format!("branch {code}")))
}

fn part_id(world: &World, code: &str) -> PartId {
    PartId::new(world.id(&format!("part {code}")))
}

impl Life {
    /// The workshops, what is sold there, and the first of it on the shelves.
    pub(super) async fn open_workshops(&mut self) -> Result<(), DemoError> {
        let on = self.today();
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("a time");
        let week = [Weekday::Sun, Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu];
        let hours = week.map(|weekday| [(8, 12), (16, 20)].map(|(from, to)| OpeningHours { weekday, from: at(from), to: at(to) })).concat();
        for (code, name, name_in_english, address, [latitude, longitude]) in BRANCHES {
            let degrees = |text: &str| text.parse::<Decimal>().expect("degrees");
            let details = BranchDetails {
                name: said(name),
                name_in_english: said(name_in_english),
                address: said(address),
                location: Location { latitude: degrees(latitude), longitude: degrees(longitude) },
                hours: hours.clone(),
                slot_minutes: 30,
                places: 2,
            };
            let branch_id = branch_id(&self.world, code);
            let wish =
                branch::Command::OpenBranch(OpenBranch { branch_id, code: text(&format!("RUH-{}", code.to_uppercase())), details, on });
            self.world.ask::<Branch>(Staff::Billing, branch_id, &format!("branch {code}"), wish).await?;
        }
        for Trouble { part: (code, name, price, _), .. } in TROUBLES {
            let part_id = part_id(&self.world, code);
            let (currency, price) = (Currency::SAR, price.parse().expect("a price"));
            let wish = RegisterPart { part_id, code: text(code), name: said(name), currency, price, registered_on: on };
            self.world.ask::<Part>(Staff::Billing, part_id, &format!("part {code}"), part::Command::RegisterPart(wish)).await?;
        }
        for (branch, ..) in BRANCHES {
            for trouble in 0..TROUBLES.len() {
                self.receive(branch_id(&self.world, branch), trouble).await?;
            }
        }
        Ok(())
    }

    async fn receive(&mut self, branch_id: BranchId, trouble: usize) -> Result<(), DemoError> {
        let (on, (code, _, _, cost)) = (self.today(), TROUBLES[trouble].part);
        let part_id = part_id(&self.world, code);
        let key = format!("receive {code} at {branch_id} on {on}");
        let move_id = StockMoveId::new(self.world.id(&key));
        let (cost, reference) = (Money::new(cost * i64::from(DELIVERY), Currency::SAR), text(&format!("GRN-{on}")));
        let wish = ReceiveStock { move_id, branch_id, part_id, quantity: DELIVERY, cost, reference, on };
        self.world.ask::<Stock>(Staff::Technician, stock_id(branch_id, part_id), &key, stock::Command::ReceiveStock(wish)).await?;
        self.world.settle().await
    }

    /// Who lives here brings what is broken.
    pub(super) async fn bring(&mut self, number: usize) -> Result<(), DemoError> {
        let today = self.today();
        let Person { from, to, .. } = self.people[number];
        if later(from, 30) > today || to.is_some() {
            return Ok(());
        }
        let mut dice = self.world.dice(&format!("trouble of {number} on {today}"));
        let trouble = usize::try_from(dice.below(TROUBLES.len() as u64)).unwrap_or_default();
        let Trouble { device: (kind, name, model), complaint, .. } = TROUBLES[trouble];
        let account_id = self.people[number].account_id;
        let branch_id = branch_id(&self.world, self.places[self.people[number].place].district.branch);
        let job = Job { person: number, trouble, branch_id, repair_id: RepairId::new(self.world.id(&format!("repair {number} {today}"))) };
        let serial = Some(text(&format!("{}-{:06}", model.replace('-', ""), dice.below(1_000_000))));
        let device = Device { kind: text(kind), name: said(name), model: said(model), serial };
        let complaint = self.world.keys.seal(account_id, SealedFor::Contact, complaint);
        let requested_at = self.world.engine.now();
        let request = RequestRepair { repair_id: job.repair_id, account_id, branch_id, device, complaint, requested_at };
        self.of_job(job, "request", Command::RequestRepair(request)).await?;
        self.plan(later(today, 1), 9 * 60 + dice.below(120), Act::Repair(job, Step::Look));
        Ok(())
    }

    pub(super) async fn repair(&mut self, job: Job, step: Step) -> Result<(), DemoError> {
        match step {
            Step::Look => self.look_at(job).await,
            Step::Answer => self.answer(job).await,
            Step::Restock => {
                self.receive(job.branch_id, job.trouble).await?;
                self.plan(later(self.today(), 1), 8 * 60, Act::Repair(job, Step::Mend));
                Ok(())
            }
            Step::Mend => self.mend(job).await,
            Step::Collect => self.collect(job).await,
        }
    }

    async fn look_at(&mut self, job: Job) -> Result<(), DemoError> {
        let (today, technician) = (self.today(), self.world.actor(Staff::Technician));
        let Trouble { findings, part: (code, name, price, _), .. } = TROUBLES[job.trouble];
        let mut dice = self.world.dice(&format!("work on {}", job.repair_id));
        self.of_job(job, "assign", Command::AssignTechnician(AssignTechnician { technician })).await?;
        let diagnosis = RecordDiagnosis { findings: said(findings), coverage: Coverage::Customer, on: today };
        self.of_job(job, "diagnose", Command::RecordDiagnosis(diagnosis)).await?;
        let hours = dice.between(1, 3).to_string();
        let offer = |part_id, code: &str, words: &str, quantity: &str, price: &str| Offered {
            part_id,
            code: text(code),
            text: Some(said(words)),
            quantity: quantity.parse().expect("a quantity"),
            price: price.parse().expect("a price"),
        };
        let part_id = part_id(&self.world, code);
        let offered = vec![offer(None, "labour", "أجور العمل", &hours, "120"), offer(Some(part_id), code, name, "1", price)];
        let terms = OfferTerms {
            currency: Currency::SAR,
            vat: VatTreatment { category: VatCategory::S, rate: "0.15".parse().expect("a rate"), reason: None },
            rounding: self.terms.rounding,
            valid_until: later(today, 14),
            hold_days: 14,
            tolerance: "0.10".parse().expect("a tenth"),
            deposit: Money::new(0, Currency::SAR),
            warranty_days: 90,
        };
        self.of_job(job, "estimate", Command::EstimateRepair(EstimateRepair { offered, terms, on: today })).await?;
        self.plan(later(today, 1 + dice.below(3)), 10 * 60, Act::Repair(job, Step::Answer));
        Ok(())
    }

    /// One in six finds it too dear and takes the device home.
    async fn answer(&mut self, job: Job) -> Result<(), DemoError> {
        let today = self.today();
        if self.world.dice(&format!("answer {}", job.repair_id)).below(6) == 0 {
            let decline = DeclineEstimate { number: 1, reason: reason("too dear"), on: today };
            self.of_job(job, "decline", Command::DeclineEstimate(decline)).await?;
            let cancel = CancelRepair { reason: reason("taken home"), on: today };
            return self.of_job(job, "cancel", Command::CancelRepair(cancel)).await;
        }
        self.of_job(job, "approve", Command::ApproveEstimate(ApproveEstimate { number: 1, on: today })).await?;
        let part_id = part_id(&self.world, TROUBLES[job.trouble].part.0);
        let request = RequestPart { request_id: self.request_of(job), part_id, quantity: NonZeroU32::MIN };
        self.of_job(job, "part", Command::RequestPart(request)).await?;
        let repair: Repair = self.world.look(job.repair_id).await?;
        let (days, next) = if repair.status() == Some(Status::PartsPending) { (4, Step::Restock) } else { (1, Step::Mend) };
        self.plan(later(today, days), 8 * 60, Act::Repair(job, next));
        Ok(())
    }

    async fn mend(&mut self, job: Job) -> Result<(), DemoError> {
        let (on, technician) = (self.today(), self.world.actor(Staff::Technician));
        let account_id = self.people[job.person].account_id;
        let used = UsePart { request_id: self.request_of(job), used_in_all: 1, on };
        let ready = Comment {
            comment_id: CommentId::new(self.world.id(&format!("ready {}", job.repair_id))),
            by: technician.clone(),
            side: Side::Staff,
            audience: Audience::Public,
            text: self.world.keys.seal(account_id, SealedFor::Contact, "جهازك جاهز للاستلام"),
            at: self.world.engine.now(),
        };
        let steps = [
            ("start", Command::StartWork(StartWork { on })),
            ("use", Command::UsePart(used)),
            ("finish", Command::FinishWork(FinishWork { on })),
            ("check", Command::PassCheck(PassCheck { checked_by: technician, on })),
            ("ready", Command::Comment(ready)),
        ];
        for (step, wish) in steps {
            self.of_job(job, step, wish).await?;
        }
        let mut dice = self.world.dice(&format!("collect {}", job.repair_id));
        self.plan(later(on, 1 + dice.below(4)), 17 * 60, Act::Repair(job, Step::Collect));
        Ok(())
    }

    /// Given back and billed; it is paid with what else is owed.
    async fn collect(&mut self, job: Job) -> Result<(), DemoError> {
        let on = self.today();
        self.of_job(job, "deliver", Command::DeliverRepair(DeliverRepair { on })).await?;
        self.of_job(job, "close", Command::CloseRepair(CloseRepair { on })).await?;
        let closed = self.world.history::<Repair>(job.repair_id).await?.pop();
        self.desk.carry_out(Vec::from_iter(closed)).await.map_err(|error| DemoError::Store(error.into()))?;
        self.world.settle().await
    }

    fn request_of(&self, job: Job) -> PartRequestId {
        PartRequestId::new(self.world.id(&format!("part of {}", job.repair_id)))
    }

    async fn of_job(&mut self, job: Job, step: &str, wish: Command) -> Result<(), DemoError> {
        let staff = if matches!(wish, Command::CloseRepair(_)) { Staff::Billing } else { Staff::Technician };
        self.world.ask::<Repair>(staff, job.repair_id, &format!("{step} {}", job.repair_id), wish).await?;
        self.world.settle().await
    }
}
