mod bill_run;
mod correction;
mod mortal;
mod opening_balances;
mod period_close;
mod policies;
