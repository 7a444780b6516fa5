mod bill_run;
mod opening_balances;
