//! Which command is whose: every command of every aggregate has its mutation, or a reason why people do not ask for it.
//!
//! The match has no wildcard, so a new command without a decision does not compile.

use std::collections::BTreeSet;

use daftar_domain::{
    account, agreement, application, appointment, bill_run, branch, connection_prices, correction, disconnection, dunning, invoice, ledger,
    meter, part, payment, policy::refused, premises, read_cycle, register, repair, reservation, settlement, stock, tariff, user,
};

#[derive(Clone, Copy, Debug)]
enum Door {
    /// People ask for it by this mutation.
    Mutation(&'static str),
    /// Only a process asks for it: why, and which.
    Process(&'static str),
}

use Door::{Mutation, Process};

const NUMBERS: &str = "approving a document asks for its number, and its number for its issue";
const RUNS: &str = "a bill run's own steps";
const STOCK: &str = "what a repair asks of the stock, and what the stock answers";
const GATEWAY: &str = "only the gateway's word completes a payment";

macro_rules! doors {
    ($($list:ident: $command:ty { $($variant:ident => $door:expr,)+ })+) => {
        fn all() -> Vec<(&'static str, Door)> {
            $(
                fn $list(command: &$command) -> Door {
                    type Command = $command;
                    match command { $(Command::$variant(..) => $door),+ }
                }
                let _: fn(&$command) -> Door = $list;
            )+
            vec![$($((stringify!($variant), $door)),+),+]
        }
    };
}

doors! {
    of_account: account::Command {
        OpenAccount => Mutation("openAccount"),
        Reclassify => Mutation("reclassifyAccount"),
        RenameHolder => Mutation("renameHolder"),
        RecordIdentity => Mutation("recordIdentity"),
        ChooseLanguage => Mutation("chooseLanguage"),
        ChooseCurrency => Mutation("chooseCurrency"),
        AddContact => Mutation("addContact"),
        ChangeContact => Mutation("changeContact"),
        RemoveContact => Mutation("removeContact"),
        AddAddress => Mutation("addAddress"),
        ChangeAddress => Mutation("changeAddress"),
        RemoveAddress => Mutation("removeAddress"),
        SetVatStatus => Mutation("setVatStatus"),
        LinkToLedger => Mutation("linkToLedger"),
        GrantSubsidy => Mutation("grantSubsidy"),
        EndSubsidy => Mutation("endSubsidy"),
        BeginService => Process("startAgreement, moveIn and transferAgreement ask the account first"),
        EndService => Process("endAgreement, moveOut and transferAgreement tell the account"),
        NoteMeterFitted => Process("installMeter and exchangeMeter tell the account"),
        NoteMeterTakenOff => Process("removeMeter and exchangeMeter tell the account"),
        ClearConnection => Process("installMeter asks the account first where a connection is awaited"),
        WithdrawConnection => Process("cancelApplication asks the account first"),
        SuspendAccount => Mutation("suspendAccount"),
        ResumeAccount => Mutation("resumeAccount"),
        CloseAccount => Mutation("closeAccount"),
        ImportOpeningBalance => Process("a file of balances is imported as a whole, with its totals"),
        ReverseOpeningBalance => Process("the import that brought a file takes it back"),
        ChargeAccount => Process("what is issued is charged"),
        DisputeItem => Mutation("disputeItem"),
        ResolveDispute => Mutation("resolveDispute"),
        RecordPayment => Mutation("recordPayment"),
        ReversePayment => Mutation("reversePayment"),
        ClearCheque => Mutation("clearCheque"),
        ChooseAllocationPolicy => Mutation("chooseAllocationPolicy"),
        CreditAccount => Process("a credit note that is issued credits its account"),
        CreditCompensation => Process("a reconnection that falls late credits its account"),
        RefundCredit => Mutation("refundCredit"),
        ReturnRefund => Mutation("returnRefund"),
        TakeDeposit => Mutation("takeDeposit"),
        ApplyDeposit => Mutation("applyDeposit"),
        ReturnDeposit => Mutation("returnDeposit"),
        SettleFinally => Process("a last bill, once there is an office that writes them"),
        AssessLateFee => Process("the end of the day"),
        WaiveLateFee => Mutation("waiveLateFee"),
        ReviewLateFees => Process("a correction's step"),
        WriteOff => Mutation("writeOff"),
        ClaimVatRelief => Mutation("claimVatRelief"),
        WriteOffSmallBalances => Mutation("writeOffSmallBalances"),
        FreeAllocations => Process("a correction's step"),
        ReapplyCredit => Process("a correction's step"),
        AgreePlan => Mutation("agreePlan"),
        ReviewPlan => Process("the end of the day"),
        CancelPlan => Mutation("cancelPlan"),
    }
    of_dunning: dunning::Command {
        AdvanceDunning => Process("the end of the day"),
        HoldDunning => Mutation("holdDunning"),
        LiftDunningHold => Mutation("liftDunningHold"),
    }
    of_disconnection: disconnection::Command {
        RequestDisconnection => Mutation("requestDisconnection"),
        ApproveDisconnection => Mutation("approveDisconnection"),
        ScheduleDisconnection => Mutation("scheduleDisconnection"),
        DispatchDisconnection => Mutation("dispatchDisconnection"),
        ReportDisconnected => Mutation("reportDisconnected"),
        ReportNotDisconnected => Mutation("reportNotDisconnected"),
        LiftDisconnection => Mutation("withdrawDisconnection"),
        DispatchReconnection => Mutation("dispatchReconnection"),
        ReportReconnected => Mutation("reportReconnected"),
        ReportNotReconnected => Mutation("reportNotReconnected"),
        NoteSwitchUnanswered => Process("whoever waits for a head-end finds that it has not answered"),
        CheckClock => Process("the clock of supplies that are to come back"),
    }
    of_premises: premises::Command {
        RegisterPremises => Mutation("registerPremises"),
        AmendPremises => Mutation("amendPremises"),
        CorrectAddress => Mutation("correctPremisesAddress"),
    }
    of_service_point: agreement::Command {
        StartAgreement => Mutation("startAgreement"),
        EndAgreement => Mutation("endAgreement"),
        MoveIn => Mutation("moveIn"),
        MoveOut => Mutation("moveOut"),
        TransferAgreement => Mutation("transferAgreement"),
        ChangeTariffSeries => Mutation("changeTariffSeries"),
        ChangeReadCycle => Mutation("changeReadCycle"),
        AttachMeter => Process("installMeter asks the service point first"),
        DetachMeter => Process("removeMeter asks the service point"),
        ExchangeMeter => Process("exchangeMeter asks the service point first"),
        AwaitConnection => Process("inspectSite keeps the place"),
        ConnectMeter => Process("installMeter shows the account's word where a connection is awaited"),
        ForgoConnection => Process("an application that has ended keeps no place"),
    }
    of_read_cycle: read_cycle::Command {
        DefineReadCycle => Mutation("defineReadCycle"),
        MoveReadingDay => Mutation("moveReadingDay"),
    }
    of_meter: meter::Command {
        RegisterMeter => Mutation("registerMeter"),
        ReserveMeter => Mutation("reserveMeter"),
        UnreserveMeter => Mutation("unreserveMeter"),
        InstallMeter => Mutation("installMeter"),
        DisconnectMeter => Mutation("disconnectMeter"),
        ReconnectMeter => Mutation("reconnectMeter"),
        RemoveMeter => Mutation("removeMeter"),
        ExchangeMeter => Mutation("exchangeMeter"),
        SendToBench => Mutation("sendMeterToBench"),
        RecordTest => Mutation("recordMeterTest"),
        ScrapMeter => Mutation("scrapMeter"),
        ReplaceBreaker => Mutation("replaceBreaker"),
        ApplySeal => Mutation("applySeal"),
        BreakSeal => Mutation("breakSeal"),
        ReplaceSeal => Mutation("replaceSeal"),
        RecordReading => Mutation("recordReading"),
        EstimateReading => Mutation("estimateReading"),
        ReleaseReading => Mutation("releaseReading"),
        ReverseReading => Mutation("reverseReading"),
        NoteReadingsBilled => Process("whoever issues a bill says what it stands on"),
        NoteBillCancelled => Process("a correction's step"),
    }
    of_application: application::Command {
        SubmitApplication => Mutation("submitApplication"),
        BeginReview => Mutation("reviewApplication"),
        AskForInformation => Mutation("askForInformation"),
        GiveInformation => Mutation("giveInformation"),
        InspectSite => Mutation("inspectSite"),
        PriceConnection => Mutation("priceConnection"),
        InvoiceConnectionFee => Mutation("invoiceConnectionFee"),
        NoteFeePaid => Process("the billing desk hears of it from the fee's invoice"),
        NoteFeeReopened => Process("the billing desk hears of it from the fee's invoice"),
        ScheduleInstallation => Mutation("scheduleInstallation"),
        NoteConnected => Process("the service point that a meter went up at tells its application"),
        ActivateConnection => Mutation("activateConnection"),
        RejectApplication => Mutation("rejectApplication"),
        CancelApplication => Mutation("cancelApplication"),
    }
    of_connection_prices: connection_prices::Command {
        PublishConnectionPrices => Mutation("publishConnectionPrices"),
    }
    of_tariff: tariff::Command {
        PublishTariff => Mutation("publishTariff"),
    }
    of_invoice: invoice::Command {
        DraftInvoice => Process("what rates it drafts it: a bill run, a correction, the end of the day"),
        HoldInvoice => Mutation("holdInvoice"),
        ReleaseInvoice => Mutation("releaseInvoice"),
        DiscardDraft => Mutation("discardDraft"),
        ApproveInvoice => Mutation("issueInvoice"),
        IssueInvoice => Process(NUMBERS),
        IssueAtOnce => Process(RUNS),
        ApproveCreditNote => Mutation("creditInvoice"),
        CancelInvoice => Mutation("cancelInvoice"),
        IssueCreditNote => Process(NUMBERS),
        ApproveDebitNote => Mutation("debitInvoice"),
        IssueDebitNote => Process(NUMBERS),
        NoteAllocation => Process("an echo of the account"),
        NoteWriteOff => Process("an echo of the account"),
        MarkOverdue => Process("the end of the day"),
    }
    of_payment: payment::Command {
        StartPayment => Mutation("startPayment"),
        NotePending => Process(GATEWAY),
        NoteCompleted => Process(GATEWAY),
        NoteFailed => Process(GATEWAY),
        NoteUnknown => Process(GATEWAY),
        ExpirePayment => Process("the sweep of payments that nobody finished"),
        RequestGatewayRefund => Process("a refund of such a payment goes back through its gateway"),
        NoteRefundCompleted => Process(GATEWAY),
        NoteRefundFailed => Process(GATEWAY),
    }
    of_register: register::Command {
        AssignNumber => Process(NUMBERS),
        AssignBlock => Process(RUNS),
    }
    of_bill_run: bill_run::Command {
        PlanRun => Mutation("startBillRun"),
        FreezeBlock => Process(RUNS),
        NoteBlockIssued => Process(RUNS),
        FinishRun => Process(RUNS),
        AbandonRun => Process("`daftar bill-run --abandon`"),
    }
    of_correction: correction::Command {
        OpenCorrection => Mutation("correctInvoice"),
        RecordStep => Process("a correction's own steps"),
        RefuseCorrection => Process("a correction's own steps"),
    }
    of_repair: repair::Command {
        RequestRepair => Mutation("requestRepair"),
        DescribeDevice => Mutation("describeDevice"),
        AssignTechnician => Mutation("assignTechnician"),
        RecordDiagnosis => Mutation("recordDiagnosis"),
        EstimateRepair => Mutation("estimateRepair"),
        RepricePart => Process("the workshop's desk carries a part's new price"),
        ApproveEstimate => Mutation("approveEstimate"),
        DeclineEstimate => Mutation("declineEstimate"),
        NoteRepairDeposit => Mutation("takeRepairDeposit"),
        RequestPart => Mutation("requestPart"),
        NotePartReserved => Process(STOCK),
        NotePartShort => Process(STOCK),
        UsePart => Mutation("usePart"),
        ReturnPart => Mutation("returnPart"),
        StartWork => Mutation("startWork"),
        FinishWork => Mutation("finishWork"),
        PassCheck => Mutation("passCheck"),
        FailCheck => Mutation("failCheck"),
        ChargeStorage => Mutation("chargeStorage"),
        DeliverRepair => Mutation("deliverRepair"),
        CloseRepair => Mutation("closeRepair"),
        CancelRepair => Mutation("cancelRepair"),
        ReturnUnderWarranty => Mutation("returnUnderWarranty"),
        Comment => Mutation("commentOnRepair"),
        AskForUpdate => Mutation("askForUpdate"),
        AttachFile => Process("files come over HTTP alone, to `/v1/repairs/{id}/files`"),
    }
    of_stock: stock::Command {
        ReceiveStock => Mutation("receiveStock"),
        ReserveStock => Process(STOCK),
        UseStock => Process(STOCK),
        GiveBackStock => Process(STOCK),
        CountStock => Mutation("countStock"),
        SetReorderLevel => Mutation("setReorderLevel"),
    }
    of_part: part::Command {
        RegisterPart => Mutation("registerPart"),
        ChangePartPrice => Mutation("changePartPrice"),
        RetirePart => Mutation("retirePart"),
        ReinstatePart => Mutation("reinstatePart"),
    }
    of_branch: branch::Command {
        OpenBranch => Mutation("openBranch"),
        AmendBranch => Mutation("amendBranch"),
        CloseBranch => Mutation("closeBranch"),
    }
    of_appointments: appointment::Command {
        BookAppointment => Mutation("bookAppointment"),
        CancelAppointment => Mutation("cancelAppointment"),
    }
    of_periods: ledger::periods::Command {
        OpenPeriod => Process("closing a month opens the one after it, and itself if it is the first"),
        ClosePeriod => Mutation("closePeriod"),
        SetAllowance => Mutation("setAllowance"),
    }
    of_settlement: settlement::Command {
        RecordSettlement => Mutation("recordSettlement"),
        RecordSubsidySettlement => Mutation("recordSubsidySettlement"),
    }
    of_user: user::Command {
        RegisterStaff => Mutation("registerStaff"),
        RegisterCustomer => Process("whoever confirms a claim for the first time"),
        ChangeRoles => Mutation("changeRoles"),
        ClaimAccount => Mutation("confirmClaim"),
        DeactivateUser => Mutation("deactivateUser"),
    }
    of_audit: user::audit::Command {
        NoteAct => Process("whoever does something sensitive is noted, and does not ask for it"),
    }
    of_reservation: reservation::Command {
        Reserve => Process("what is taken is reserved on the way to taking it"),
        Release => Process("what was not taken in the end is free again"),
    }
    of_refusal: refused::Command {
        NoteRefusal => Process("a policy that was told no"),
    }
}

#[test]
fn every_command_has_its_door_or_a_reason_for_none() {
    let schema = super::super::sdl();
    let mutations = schema.split("type Mutation {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("mutations");
    let names: BTreeSet<_> = mutations.lines().filter_map(|line| line.trim().split_once('(')).map(|(name, _)| name).collect();
    for (command, door) in all() {
        match door {
            Mutation(name) => assert!(names.contains(name), "{command} is to be asked for by `{name}`"),
            Process(why) => assert!(!why.is_empty(), "{command}"),
        }
    }
}
