import packet from "dns-packet";
import { numberToAddress } from "../ipam/cidr.ts";

/** Docker's; names change when containers come and go, but clients of theirs expect this value. */
const timeToLiveSeconds = 600;

/** The names one container can ask for. */
export interface NameSource {
  lookup(name: string, family: 4 | 6): string[] | undefined;
  reverse(address: string): string | undefined;
}

/**
 * The answer to a query that is about one of our containers, undefined when it is about anything else. Several addresses
 * come in an order that turns with every answer.
 */
export function answerQuery(query: packet.DecodedPacket, source: NameSource, turn: number): packet.Packet | undefined {
  const question = query.questions?.[0];
  if (!question || (question.class ?? "IN") !== "IN") return undefined;
  const name = question.name.replace(/\.$/, "");
  if (question.type === "PTR") {
    const address = addressOfReverseName(name);
    const owner = address === undefined ? undefined : source.reverse(address);
    return owner === undefined
      ? undefined
      : response(query, [{ type: "PTR", name: question.name, ttl: timeToLiveSeconds, data: owner }]);
  }
  if (question.type !== "A" && question.type !== "AAAA") {
    // A name of ours has no other records; asking the outside about it would tell the outside.
    const ours = source.lookup(name, 4) !== undefined;
    return ours ? response(query, []) : undefined;
  }
  const addresses = source.lookup(name, question.type === "A" ? 4 : 6);
  if (addresses === undefined) return undefined;
  const start = addresses.length === 0 ? 0 : turn % addresses.length;
  const turned = [...addresses.slice(start), ...addresses.slice(0, start)];
  const type = question.type;
  return response(
    query,
    turned.map((data) => ({ type, name: question.name, ttl: timeToLiveSeconds, data })),
  );
}

/** An answer that says the query failed: SERVFAIL, REFUSED. */
export function failure(query: packet.DecodedPacket, code: number): packet.Packet {
  return { ...response(query, []), flags: flagsOf(query, packet.RECURSION_AVAILABLE) | code };
}

function response(query: packet.DecodedPacket, answers: packet.Answer[]): packet.Packet {
  return {
    type: "response",
    ...(query.id === undefined ? {} : { id: query.id }),
    flags: flagsOf(query, packet.RECURSION_AVAILABLE | packet.AUTHORITATIVE_ANSWER),
    questions: query.questions ?? [],
    answers,
  };
}

function flagsOf(query: packet.DecodedPacket, own: number): number {
  return own | ((query.flags ?? 0) & packet.RECURSION_DESIRED);
}

/** `4.3.2.1.in-addr.arpa` and nibbles under `ip6.arpa`. */
export function addressOfReverseName(name: string): string | undefined {
  const lower = name.toLowerCase();
  const v4 = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(lower)?.[1];
  if (v4 !== undefined) {
    const bytes = v4.split(".").slice(0, 4).map(Number);
    return bytes.every((byte) => byte < 256) ? bytes.reverse().join(".") : undefined;
  }
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(lower)?.[1];
  if (v6 === undefined) return undefined;
  return numberToAddress(BigInt(`0x${v6.split(".").reverse().join("")}`), 6);
}
