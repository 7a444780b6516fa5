mod bill_run;
mod correction;
mod mortal;
mod opening_balances;
mod policies;
