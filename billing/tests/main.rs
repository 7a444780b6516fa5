mod opening_balances;
mod policies;
