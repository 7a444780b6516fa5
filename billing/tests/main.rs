mod opening_balances;
