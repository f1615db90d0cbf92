import { create, isMessage, type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

type Field = NonNullable<Message["$unknown"]>[number];

/** What items of lists are on the wire, with their length before them. */
const encoded = new WeakMap<Message, Field>();

/**
 * The same answer for one that is a list and nothing else, with every item encoded that has not been yet. The kubelet asks for its
 * lists every second, and what changes between two is little. Items that are messages must therefore never change; others, which are
 * made for one answer, are left as they are.
 */
export function withEncodedItems(schema: DescMessage, answer: unknown): unknown {
  const [list, ...others] = schema.fields;
  if (list?.fieldKind !== "list" || list.listKind !== "message" || others.length > 0) return answer;
  const { message: itemSchema, number } = list;
  const items = (answer as Record<string, unknown>)[list.localName];
  if (!Array.isArray(items) || items.length === 0 || !items.every((item) => isMessage(item, itemSchema))) return answer;
  const message = create(schema);
  // On the wire a list is its items, each with the list's number: so is a field that nobody knows, written as it is.
  message.$unknown = items.map((item: Message) => encodedItem(itemSchema, number, item));
  return message;
}

function encodedItem(schema: DescMessage, no: number, item: Message): Field {
  const known = encoded.get(item);
  if (known?.no === no) return known;
  const field = { no, wireType: WireType.LengthDelimited, data: new BinaryWriter().bytes(toBinary(schema, item)).finish() };
  encoded.set(item, field);
  return field;
}
