-- By which number people know each account.
CREATE TABLE account (
    account_id uuid   NOT NULL,
    number     text   NOT NULL,
    position   bigint NOT NULL
);

-- What was told of each payment when it came.
CREATE TABLE receipt (
    account_id uuid   NOT NULL,
    payment_id uuid   NOT NULL,
    receipt    text   NOT NULL,
    position   bigint NOT NULL
);

-- An invoice as it stands, with what a list of invoices shows of them. What is paid is an echo of its account, where the truth about that is.
CREATE TABLE invoice (
    invoice_id    uuid    NOT NULL,
    account_id    uuid    NOT NULL,
    account_number text,
    status        text    NOT NULL,
    overdue       boolean NOT NULL,
    -- Empty until it is issued. Sorted by bytes, as lists of invoices are.
    number        text    COLLATE "C",
    issued_on     date,
    due_on        date,
    supplied_from date    NOT NULL,
    supplied_to   date    NOT NULL,
    currency      text    NOT NULL,
    net           bigint  NOT NULL,
    vat           bigint  NOT NULL,
    rounding      bigint  NOT NULL,
    total         bigint  NOT NULL,
    -- By notes that are issued.
    credited      bigint  NOT NULL,
    debited       bigint  NOT NULL,
    -- Net and VAT that no note has taken or promised.
    creditable    bigint  NOT NULL,
    paid          bigint  NOT NULL,
    written_off   bigint  NOT NULL,
    left_to_pay   bigint  NOT NULL,
    settled       boolean NOT NULL,
    cancelled     boolean NOT NULL,
    -- When its issue became known.
    issued_position bigint,
    -- As they are in the document, each as its parts in their order.
    lines         text,
    -- What paid it, part after part: the receipt, from which day it counts, and how much; below zero where it was freed. Empty where an
    -- account paid that is not the invoice's.
    payments      text,
    revision      bigint  NOT NULL,
    position      bigint  NOT NULL
);

-- Where an invoice stood. The last word counts.
CREATE TABLE standing (
    invoice_id   uuid    NOT NULL,
    status       text    NOT NULL,
    overdue      boolean NOT NULL,
    due_on       date,
    credited     bigint  NOT NULL,
    debited      bigint  NOT NULL,
    paid         bigint  NOT NULL,
    left_to_pay  bigint  NOT NULL,
    reason       text,
    effective_on date    NOT NULL,
    revision     bigint  NOT NULL,
    position     bigint  NOT NULL
);

-- An invoice or a note, as it was issued. It is kept whole, as in the event: it explains itself, and no column could say it better.
CREATE TABLE document (
    document_id uuid   NOT NULL,
    invoice_id  uuid   NOT NULL,
    account_id  uuid   NOT NULL,
    kind        text   NOT NULL,
    number      text   NOT NULL,
    counter     bigint NOT NULL,
    issued_on   date   NOT NULL,
    due_on      date,
    currency    text   NOT NULL,
    net         bigint NOT NULL,
    vat         bigint NOT NULL,
    total       bigint NOT NULL,
    reason      text,
    -- What was billed, with the reckoning. Notes have none.
    subject     text,
    content     text   NOT NULL,
    position    bigint NOT NULL
);

-- For people: invoices in decimals, as they stand.
CREATE VIEW invoice_in_decimals AS
SELECT invoice_id, account_id, account_number, status, overdue, number, issued_on, due_on, supplied_from, supplied_to, currency,
       daftar_projections.decimal(total, currency) AS total, daftar_projections.decimal(credited, currency) AS credited,
       daftar_projections.decimal(debited, currency) AS debited, daftar_projections.decimal(paid, currency) AS paid,
       daftar_projections.decimal(written_off, currency) AS written_off,
       daftar_projections.decimal(left_to_pay, currency) AS left_to_pay
FROM invoice;

-- For people: documents in decimals, with credit notes below zero, and the lines that are in them.
CREATE VIEW document_in_decimals AS
SELECT document_id, invoice_id, account_id, kind, number, issued_on, due_on, currency,
       daftar_projections.decimal(CASE kind WHEN 'creditNote' THEN -net ELSE net END, currency) AS net,
       daftar_projections.decimal(CASE kind WHEN 'creditNote' THEN -vat ELSE vat END, currency) AS vat,
       daftar_projections.decimal(CASE kind WHEN 'creditNote' THEN -total ELSE total END, currency) AS total, reason, position
FROM document;

CREATE VIEW line_in_decimals AS
SELECT document_id, invoice_id, account_id, kind, number, issued_on, line.ordinality AS line, line.content ->> 'code' AS code,
       line.content ->> 'text' AS text, line.content ->> 'revenue' AS revenue, (line.content ->> 'quantity')::numeric AS quantity,
       line.content ->> 'unit' AS unit, (line.content ->> 'price')::numeric AS price, currency,
       daftar_projections.decimal((line.content -> 'net' ->> 'minor')::bigint, currency) AS net,
       line.content -> 'vat' ->> 'category' AS vat_category, (line.content -> 'vat' ->> 'rate')::numeric AS vat_rate
FROM document CROSS JOIN LATERAL jsonb_array_elements(document.content::jsonb -> 'lines') WITH ORDINALITY AS line (content, ordinality);
