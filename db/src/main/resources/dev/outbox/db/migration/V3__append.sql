-- The door for languages without a library of ours: outbox.append(topic => 'orders', type => 'order.created', ...).
-- It runs in the caller's transaction and with the caller's rights, and returns the id of the message.
create function append(
  topic          text,
  type           text,
  key            text        default null,
  payload        json        default null,
  body           bytea       default null,
  content_type   text        default null,
  version        text        default '1.0',
  headers        json        default null,
  correlation_id text        default null,
  causation_id   text        default null,
  source         text        default null,
  channel        text        default 'default',
  occurred_at    timestamptz default null,
  id             uuid        default null
) returns uuid
  language plpgsql volatile
  set search_path from current
  as $$
  #variable_conflict use_column
  declare
    appended uuid := coalesce(append.id, uuid_v7());
    header text;
  begin
    if append.headers is not null then
      if json_typeof(append.headers) <> 'object' then
        raise check_violation using
          message = format('headers: a JSON %s was given', json_typeof(append.headers)),
          hint = 'Give a JSON object of strings, such as {"traceparent": "00-..."}.';
      end if;
      select h.key into header from json_each(append.headers) h where json_typeof(h.value) <> 'string' limit 1;
      if header is not null then
        raise check_violation using
          message = format('headers: the value of "%s" is not a string', left(header, 100)),
          hint = 'Header values are strings; write numbers and objects as text.';
      end if;
    end if;
    insert into message (id, channel, topic, key, type, version, occurred_at, correlation_id, causation_id, source,
      headers, payload, body, content_type)
    values (appended, append.channel, append.topic, append.key, append.type, append.version,
      coalesce(append.occurred_at, clock_timestamp()), append.correlation_id, append.causation_id,
      coalesce(append.source, session_user), append.headers, append.payload, append.body,
      coalesce(append.content_type, case when append.body is null then 'application/json' else 'application/octet-stream' end));
    return appended;
  end
  $$;
