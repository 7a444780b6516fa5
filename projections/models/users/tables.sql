-- Who may come in, and as what. `user` is a word of SQL's own.
CREATE TABLE person (
    user_id             uuid        NOT NULL,
    -- The name to sign in with: sealed with the user's key.
    user_name           bytea       NOT NULL,
    -- What they may do, of staff; customers have none.
    roles               text,
    registered_at       timestamptz NOT NULL,
    -- Why they may come in no more.
    deactivated_because text,
    revision            bigint      NOT NULL,
    -- Of what made the row, and of what changed it last.
    registered_position bigint      NOT NULL,
    position            bigint      NOT NULL
);

-- The accounts that customers have shown to be theirs.
CREATE TABLE claim (
    user_id    uuid   NOT NULL,
    account_id uuid   NOT NULL,
    position   bigint NOT NULL
);

-- Sensitive acts, done and refused.
CREATE TABLE act (
    act_id   uuid        NOT NULL,
    act      text        NOT NULL,
    -- The stable code of why not; none if it was done.
    refused  text,
    user_id  uuid,
    subject  uuid,
    -- The network address: sealed with the user's key or, of strangers, with the house's.
    address  bytea,
    noted_at timestamptz NOT NULL,
    position bigint      NOT NULL
);
