import assert from "node:assert/strict";
import { test } from "node:test";
import packet from "dns-packet";
import { addressOfReverseName, answerQuery } from "./answer-query.ts";
import { parseQuery, recordType, type DnsQuery } from "./dns-message.ts";

function query(type: "A" | "AAAA" | "PTR" | "MX", name: string, change: Partial<DnsQuery> = {}): DnsQuery {
  const parsed = parseQuery(packet.encode({ type: "query", id: 9, questions: [{ type, name }] }));
  assert.ok(parsed && !("refusal" in parsed));
  return { ...parsed, ...change };
}

const nobody = { lookup: () => undefined, reverse: () => undefined };
const pool = { lookup: () => ["10.0.0.1", "10.0.0.2"], reverse: () => "web.front" };

test("the addresses of a name turn with every answer", () => {
  const firsts = [0, 1, 2].map((turn) => answerQuery(query("A", "pool"), pool, turn)?.[0]?.data.join("."));
  assert.deepEqual(firsts, ["10.0.0.1", "10.0.0.2", "10.0.0.1"]);
});

test("a name of ours has no other records, and nobody outside is asked about it", () => {
  assert.deepEqual(answerQuery(query("MX", "pool"), pool, 0), []);
  assert.equal(answerQuery(query("MX", "elsewhere"), nobody, 0), undefined);
  assert.equal(answerQuery(query("A", "elsewhere"), nobody, 0), undefined);
  const v6only = { lookup: (_name: string, family: number) => (family === 6 ? ["fd00::2"] : []), reverse: () => undefined };
  assert.deepEqual(answerQuery(query("A", "six"), v6only, 0), [], "known, without such an address");
  assert.equal(answerQuery(query("AAAA", "six"), v6only, 0)?.[0]?.data.toString("hex"), "fd000000000000000000000000000002");
});

test("other classes, and names no text stands for, are not ours", () => {
  assert.equal(answerQuery(query("A", "pool", { internet: false }), pool, 0), undefined);
  assert.equal(answerQuery(query("A", "pool", { name: undefined }), pool, 0), undefined);
});

test("an address has the name of who carries it, unless no message can hold that name", () => {
  const [record] = answerQuery(query("PTR", "2.0.0.10.in-addr.arpa"), pool, 0) ?? [];
  assert.deepEqual(record, { type: recordType.ptr, data: Buffer.from("\x03web\x05front\0", "latin1") });
  const long = { ...pool, reverse: () => `${"x".repeat(64)}.front` };
  assert.equal(answerQuery(query("PTR", "2.0.0.10.in-addr.arpa"), long, 0), undefined);
});

test("reverse names of both families are addresses", () => {
  assert.equal(addressOfReverseName("4.3.2.1.in-addr.arpa"), "1.2.3.4");
  assert.equal(addressOfReverseName(`${"1.".padEnd(64, "0.")}ip6.arpa`), "::1");
  assert.equal(addressOfReverseName("300.1.1.1.in-addr.arpa"), undefined);
  assert.equal(addressOfReverseName("example.org"), undefined);
});
