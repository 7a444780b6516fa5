mod correction;
mod opening_balances;
mod policies;
