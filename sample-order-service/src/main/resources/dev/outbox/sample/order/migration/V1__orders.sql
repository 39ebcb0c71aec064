-- The order service's own tables; the outbox has a schema and a history of its own.
create table orders (
  id         uuid        not null,
  customer   text        not null,
  status     text        not null,
  paid_at    timestamptz null,
  created_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  constraint orders_pk primary key (id),
  constraint orders_customer_length check (char_length(customer) between 1 and 100),
  constraint orders_status_known check (status in ('CREATED', 'PAID', 'SHIPPED', 'DELIVERED', 'CANCELLED', 'REFUNDED'))
);

-- Lists show the newest first.
create index orders_created_at on orders (created_at desc, id desc);

create table order_item (
  order_id   uuid           not null,
  sku        text           not null,
  quantity   integer        not null,
  unit_price numeric(12, 2) not null,
  constraint order_item_pk primary key (order_id, sku),
  constraint order_item_order foreign key (order_id) references orders (id),
  constraint order_item_sku_length check (char_length(sku) between 1 and 64),
  constraint order_item_quantity_range check (quantity between 1 and 1000),
  constraint order_item_unit_price_range check (unit_price >= 0)
);
