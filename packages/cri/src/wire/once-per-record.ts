/** A translation of records, which never change: each is made once, for lists are asked for every second. */
export function oncePerRecord<Record extends object, Message>(
  translate: (record: Record) => Message,
): (record: Record) => Message {
  const made = new WeakMap<Record, Message>();
  return (record) => {
    const known = made.get(record);
    if (known !== undefined) return known;
    const message = translate(record);
    made.set(record, message);
    return message;
  };
}
