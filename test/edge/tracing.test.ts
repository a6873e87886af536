import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Collector, startCollector } from '../fixtures/collector.ts';
import { postImage, readDetection } from '../fixtures/edge-client.ts';
import { type EdgeStack, type Runtime, startEdgeStack } from '../fixtures/edge-stack.ts';
import { newImage } from '../fixtures/images.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';
import { until } from '../fixtures/until.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

// Deno repeats what workerd shows.
describe.runIf(IS_THOROUGH)(inThorough('spans, with the edge on deno'), () => areExported('deno'));
describe('spans, with the edge on workerd', () => areExported('workerd'));

function areExported(runtime: Runtime): void {
  let stack: EdgeStack;
  let collector: Collector;
  beforeAll(async () => {
    collector = await startCollector();
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-token=secret',
    };
    stack = await startEdgeStack({
      runtime,
      originEnvironment: environment,
      edgeEnvironment: environment,
    });
  });
  afterAll(async () => {
    await stack?.stop();
    await collector?.stop();
  });

  const upload = async (traceparent?: string) =>
    readDetection(
      await postImage(stack.url, await newImage(), traceparent ? { headers: { traceparent } } : {}),
    );

  test('of edge, origin and its phases are one trace', async () => {
    const before = Date.now();
    await upload(`00-${TRACE_ID}-${PARENT}-01`);
    const named = (name: string) =>
      collector.spans.find((span) => span.traceId === TRACE_ID && span.name === name);
    await until('all are collected', () => Boolean(named('POST /api/v1/features/detect') && named('sift')));
    const edge = named('POST /api/v1/features/detect');
    const origin = named('POST /v1/extract');
    expect(edge).toMatchObject({ service: 'edgesift-edge', parentSpanId: PARENT, kind: 2 });
    expect(origin).toMatchObject({ service: 'edgesift-origin', parentSpanId: edge?.spanId, kind: 2 });
    expect(edge?.attributes).toContainEqual({ key: 'edgesift.outcome', value: { stringValue: 'origin' } });
    expect(origin?.attributes).toContainEqual({
      key: 'http.response.status_code',
      value: { intValue: '200' },
    });
    for (const phase of ['queue', 'decode', 'sift'].map(named)) {
      expect(phase).toMatchObject({ parentSpanId: origin?.spanId, kind: 1 });
    }
    for (const { startTimeUnixNano, endTimeUnixNano } of collector.spans) {
      expect(Number(startTimeUnixNano) / 1e6).toBeGreaterThan(before - 1_000);
      expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
    }
    expect(collector.faults).toEqual([]);
  });

  test('are exported of the traces that are recorded alone', async () => {
    const [unrecorded, recorded] = [TRACE_ID.replace('4', '5'), TRACE_ID.replace('4', '6')];
    await upload(`00-${unrecorded}-${PARENT}-00`);
    await upload(`00-${recorded}-${PARENT}-01`);
    await until('the recorded one is collected', () =>
      collector.spans.some(({ name, traceId }) => name === 'sift' && traceId === recorded),
    );
    expect(collector.spans.filter(({ traceId }) => traceId === unrecorded)).toEqual([]);
  });

  test('get lost with their collector, and no request minds', async () => {
    await collector.stop();
    for (let request = 0; request < 3; request += 1) expect((await upload()).success).toBe(true);
    await until('the origin has noticed', () =>
      stack.origin.log.some((line) => line.includes('spans not exported')),
    );
    expect((await upload()).success).toBe(true);
  });
}
