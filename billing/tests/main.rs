mod bill_run;
mod correction;
mod gateway;
mod mortal;
mod opening_balances;
mod period_close;
mod policies;
mod rebill;
