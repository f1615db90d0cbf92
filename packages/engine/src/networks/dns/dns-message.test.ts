import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { test } from "node:test";
import packet from "dns-packet";
import { codeOf, encodeName, isAnswerTo, parseQuery, recordType, response, responseCode, type DnsQuery } from "./dns-message.ts";

function encoded(query: Partial<packet.Packet> & { questions: packet.Question[] }): Buffer {
  return packet.encode({ type: "query", id: 9, flags: packet.RECURSION_DESIRED, ...query });
}

function parsed(message: Buffer): DnsQuery {
  const query = parseQuery(message);
  assert.ok(query && !("refusal" in query), "a query that is answered");
  return query;
}

function refused(message: Buffer): Buffer {
  const query = parseQuery(message);
  assert.ok(query && "refusal" in query, "a query that is refused");
  return query.refusal;
}

const plain = encoded({ questions: [{ type: "A", name: "Web.front" }] });
const addresses = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ type: recordType.a, data: Buffer.from([10, 0, index >> 8, index & 255]) }));

test("a query is read, and its answer is what another implementation reads", () => {
  const query = parsed(plain);
  assert.equal(query.name, "Web.front");
  assert.equal(query.type, recordType.a);
  const answer = packet.decode(response(query, responseCode.noError, addresses(2), 512));
  assert.equal(answer.id, 9);
  assert.equal(answer.type, "response");
  assert.deepEqual(answer.questions, [{ name: "Web.front", type: "A", class: "IN" }], "in the letters it came in");
  assert.deepEqual(
    answer.answers?.map((record) => (record.type === "A" ? [record.name, record.data, record.ttl] : [])),
    [
      ["Web.front", "10.0.0.0", 600],
      ["Web.front", "10.0.0.1", 600],
    ],
  );
});

test("the flags of an answer are dockerd's", () => {
  const flagsOf = (flags: number) =>
    response(parsed(encoded({ flags, questions: [{ type: "A", name: "web" }] })), 0, [], 512).readUInt16BE(2);
  assert.equal(flagsOf(packet.RECURSION_DESIRED), 0x8180);
  assert.equal(flagsOf(0), 0x8080);
  assert.equal(flagsOf(packet.RECURSION_DESIRED | packet.AUTHENTIC_DATA | packet.CHECKING_DISABLED), 0x8190);
});

test("what is no query with one question is refused in dockerd's way, what is no query at all gets no answer", () => {
  const withHeader = (flags: number, questions: number) => {
    const message = Buffer.from(plain);
    message.writeUInt16BE(flags, 2);
    message.writeUInt16BE(questions, 4);
    return message;
  };
  for (const questions of [0, 2, 65_535]) {
    assert.equal(refused(withHeader(0x0100, questions)).toString("hex"), `00098101${"0000".repeat(4)}`);
  }
  assert.equal(refused(withHeader(0x1100, 1)).readUInt16BE(2), 0x9104, "an opcode we do not know");
  const selfPointer = Buffer.concat([plain.subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])]);
  assert.equal(codeOf(refused(selfPointer)), responseCode.formatError);
  assert.equal(codeOf(refused(plain.subarray(0, 20))), responseCode.formatError, "cut in the name");
  assert.equal(codeOf(refused(plain.subarray(0, -1))), responseCode.formatError, "cut behind it");
  assert.equal(parseQuery(withHeader(0x8180, 1)), undefined, "an answer is not answered");
  assert.equal(parseQuery(plain.subarray(0, 11)), undefined);
  assert.equal(parseQuery(Buffer.alloc(0)), undefined);
});

test("bytes that are no text come back as they were, and name nobody by accident", () => {
  const question = (...labels: Buffer[]) =>
    Buffer.concat([
      plain.subarray(0, 12),
      ...labels.flatMap((label) => [Buffer.from([label.length]), label]),
      Buffer.from([0, 0, 1, 0, 1]),
    ]);
  const odd = question(Buffer.from([0x77, 0xff, 0x00, 0x62]));
  assert.deepEqual(response(parsed(odd), responseCode.serverFailure, [], 512).subarray(12), odd.subarray(12));
  assert.equal(parsed(question(Buffer.from("web.front"))).name, undefined, "one label with a dot is not two");
  assert.equal(parsed(question()).name, "", "the root");
});

test("an answer keeps as many records as the client's datagram takes and says when that is not all", () => {
  const query = parsed(plain);
  const cut = packet.decode(response(query, responseCode.noError, addresses(100), query.udpBytes));
  assert.equal(cut.answers?.length, Math.floor((512 - 12 - 15) / 16));
  assert.ok((cut.flags ?? 0) & packet.TRUNCATED_RESPONSE);
  const edns = parsed(
    encoded({
      questions: [{ type: "A", name: "web" }],
      additionals: [
        { type: "OPT", name: ".", udpPayloadSize: 4096, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] },
      ],
    }),
  );
  assert.equal(edns.udpBytes, 4096);
  const whole = packet.decode(response(edns, responseCode.noError, addresses(100), edns.udpBytes));
  assert.equal(whole.answers?.length, 100);
  assert.equal((whole.flags ?? 0) & packet.TRUNCATED_RESPONSE, 0);
});

test("names that cannot stand in a message are none", () => {
  assert.equal(encodeName("web.front")?.toString("latin1"), "\x03web\x05front\0");
  for (const name of ["", "a..b", `${"x".repeat(64)}.y`, Array.from({ length: 70 }, () => "abc").join(".")])
    assert.equal(encodeName(name), undefined, name);
});

test("an answer is one to the question that was asked, in whatever letters", () => {
  const to = (name: string, more: object = {}): Buffer =>
    encoded({ type: "response", questions: [{ type: "A", name }], ...more });
  assert.ok(isAnswerTo(to("wEB.FRONT"), plain));
  assert.ok(!isAnswerTo(to("evil.front"), plain));
  assert.ok(!isAnswerTo(to("Web.front", { questions: [{ type: "AAAA", name: "Web.front" }] }), plain));
  assert.ok(!isAnswerTo(to("Web.front", { questions: [] }), plain));
  const failed = to("Web.front", { questions: [] });
  failed[3] = (failed[3] ?? 0) | responseCode.serverFailure;
  assert.ok(isAnswerTo(failed, plain));
});

test("whatever bytes come, reading and answering them throws nothing", () => {
  for (let round = 0; round < 10_000; round++) {
    const message = round % 2 === 0 ? randomBytes(randomInt(0, 600)) : mutated(plain);
    const query = parseQuery(message);
    if (!query) continue;
    if ("refusal" in query) {
      assert.equal(query.refusal.length, 12);
      continue;
    }
    const answer = response(query, responseCode.noError, addresses(randomInt(0, 60)), query.udpBytes);
    assert.ok(answer.length <= Math.max(query.udpBytes, 12 + query.question.length));
    assert.ok(isAnswerTo(answer, message));
    assert.ok(packet.decode(answer), "which another implementation reads");
  }
});

/** A query with a few of its bytes changed, left out or added. */
function mutated(message: Buffer): Buffer {
  const bytes = [...message];
  for (let changes = randomInt(1, 5); changes > 0; changes--) {
    const at = randomInt(0, bytes.length);
    const [remove, insert] = [
      [1, 1],
      [1, 0],
      [0, 1],
    ][randomInt(0, 3)] as [number, number];
    bytes.splice(at, remove, ...(insert === 1 ? [randomInt(0, 256)] : []));
  }
  return Buffer.from(bytes);
}
