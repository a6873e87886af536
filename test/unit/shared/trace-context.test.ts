import { describe, expect, test } from 'vitest';
import { TraceContext } from '../../../shared/contract/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('trace context', () => {
  test('goes on with a trace under a span of its own', () => {
    const context = new TraceContext(`00-${TRACE}-${SPAN}-01`);
    expect(context).toMatchObject({ traceId: TRACE, parentSpanId: SPAN });
    expect(context.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(context.spanId).not.toBe(SPAN);
    expect(context.traceParent).toBe(`00-${TRACE}-${context.spanId}-01`);
  });

  test('a stranger can keep its trace from being recorded, and cannot have it recorded', () => {
    const sampled = (flags: string, rate: number) =>
      new TraceContext(`00-${TRACE}-${SPAN}-${flags}`, rate, false).isSampled;
    expect([sampled('01', 1), sampled('01', 0), sampled('00', 1)]).toEqual([true, false, false]);
    expect(new TraceContext(`00-${TRACE}-${SPAN}-01`, 0).isSampled).toBe(true);
    expect(new TraceContext(undefined, 1, false).isSampled).toBe(true);
  });

  test('reads what it knows of a later version', () => {
    const context = new TraceContext(`cc-${TRACE}-${SPAN}-01-what-comes-next`);
    expect(context.traceParent).toBe(`00-${TRACE}-${context.spanId}-01`);
  });

  test.each([
    undefined,
    '',
    'text',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `ff-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01more`,
    `00-${TRACE}-${SPAN}-01\r\nx: y`,
  ])('begins anew for %j', (header) => {
    const context = new TraceContext(header);
    expect(context.parentSpanId).toBeUndefined();
    expect(context.traceId).not.toBe(TRACE);
    expect(context.traceParent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(context.traceParent).toBe(context.traceParent);
  });
});
