import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { OtlpSpans, otlpEndpointOf } from "./otlp-spans.ts";

const entry = {
  sequence: 1,
  time: "2026-01-01T00:00:00.000Z",
  plugin: "a",
  version: "1.0.0",
  point: "container.preCreate",
  durationMs: 1.5,
  outcome: "failed",
  error: "boom",
} as const;

test("a call becomes a span at the collector", async (t) => {
  const received: { url: string | undefined; body: string }[] = [];
  const collector = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      received.push({ url: request.url, body });
      response.end("{}");
    });
  });
  await new Promise<void>((listening) => collector.listen(0, "127.0.0.1", listening));
  t.after(() => collector.close());
  // A TCP server's address is an object.
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const spans = new OtlpSpans({ endpoint, serviceVersion: "1.0.0", warn: assert.fail });
  spans.called(entry);
  await spans.close();
  assert.equal(received[0]?.url, "/v1/traces");
  const [span] = JSON.parse(received[0]?.body ?? "").resourceSpans[0].scopeSpans[0].spans;
  assert.equal(span.name, "plugin a container.preCreate");
  assert.equal(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano), 1_500_000n);
  assert.deepEqual(span.status, { code: 2, message: "boom" });
});

test("a collector that is away is reported once and costs nothing else", async () => {
  const warnings: string[] = [];
  const spans = new OtlpSpans({
    endpoint: "http://127.0.0.1:9",
    serviceVersion: "1.0.0",
    warn: (message) => void warnings.push(message),
  });
  for (let round = 0; round < 2; round += 1) {
    spans.called(entry);
    await spans.flush();
  }
  await spans.close();
  assert.equal(warnings.length, 1);
});

test("the endpoint is taken from OpenTelemetry's variables", () => {
  assert.equal(otlpEndpointOf({}), undefined);
  assert.equal(otlpEndpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }), "http://c:4318");
  assert.equal(otlpEndpointOf({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://t:4318/v1/traces" }), "http://t:4318");
});
