mod bill_run;
mod correction;
mod opening_balances;
mod policies;
