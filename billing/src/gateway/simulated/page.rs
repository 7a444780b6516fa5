//! The page on which a customer pays, or does not.

use crate::gateway::{Order, Outcome, Report};

pub(super) fn checkout(order: &Order, report: &Report) -> String {
    let (amount, currency) = (order.amount.to_decimal(), order.amount.currency.code());
    let body = match &report.outcome {
        Outcome::Pending => "<form method=\"post\">\
             <button formaction=\"PATH/pay\">ادفع · Pay</button> <button formaction=\"PATH/decline\">ارفض · Decline</button></form>"
            .replace("PATH", &format!("/checkout/{}", order.payment_id)),
        Outcome::Completed { .. } => "<p>تم الدفع · Paid</p>".to_owned(),
        Outcome::Failed { cause } => format!("<p>لم يتم الدفع · Not paid: {}</p>", escaped(cause.as_str())),
    };
    format!(
        "<!doctype html><html lang=\"ar\" dir=\"rtl\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>بوابة دفع تجريبية</title><style>body{{font:1.2rem sans-serif;max-width:30rem;margin:4rem auto;padding:0 1rem}}\
         button{{font:inherit;padding:.5rem 1.5rem}}</style>\
         <h1>بوابة دفع تجريبية<br><small lang=\"en\">Simulated gateway: no money moves</small></h1><p>{amount} {currency}</p>{body}</html>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
