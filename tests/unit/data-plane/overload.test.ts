import { describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Any } from '#xds';
import { readAdaptiveConcurrency } from '../../../server/data-plane/config/filters/adaptive-concurrency.ts';
import { readAdmissionControl } from '../../../server/data-plane/config/filters/admission-control.ts';
import { refusalProbability } from '../../../server/data-plane/http/filters/overload/admission-control.ts';
import { GradientController } from '../../../server/data-plane/http/filters/overload/gradient-controller.ts';
import { SuccessWindow } from '../../../server/data-plane/http/filters/overload/success-window.ts';
import { manualClock } from '../../support/manual-clock.ts';

const any = (fields: object): Any => ({ '@type': 'x', ...fields });
const clock = manualClock();

describe('the gradient controller', () => {
  const started = (minRtt: object, limits: object = {}) => {
    const { gradient } = readAdaptiveConcurrency(
      any({
        gradient_controller_config: {
          concurrency_limit_params: { concurrency_update_interval: '0.4s', ...limits },
          min_rtt_calc_params: { min_concurrency: 2, ...minRtt },
        },
      }),
    );
    const controller = new GradientController(gradient, { clock, random: seededRandom('jitter') });
    const request = (ms: number): void => {
      const began = controller.enter();
      clock.advance(ms);
      if (began !== undefined) controller.record(began);
    };
    return { controller, request };
  };

  // The figures of a real Envoy that was sent the same.
  it('doubles its limit while requests are fast, and halves it while they are slow', () => {
    const { controller, request } = started({ fixed_value: '0.1s' }, { max_concurrency_limit: 30 });
    const limits = [1, 1, 1, 1, 405, 405].map((ms) => {
      request(ms);
      clock.advance(600);
      const { concurrency_limit, gradient, burst_queue_size } = controller.figures;
      return [concurrency_limit, gradient, burst_queue_size];
    });
    expect(limits).toEqual([
      [6, 2000, 2],
      [15, 2000, 3],
      [30, 2000, 5],
      [30, 2000, 7],
      [18, 500, 3],
      [12, 500, 3],
    ]);
  });

  it('measures the least round trip with few requests, then lets the limit grow', () => {
    const { controller, request } = started({ interval: '3s', request_count: 2, jitter: { value: 0 } });
    expect(controller.figures).toMatchObject({ min_rtt_calculation_active: 1, concurrency_limit: 2 });
    request(103);
    request(103);
    expect(controller.figures).toMatchObject({ min_rtt_calculation_active: 0, min_rtt_msecs: 103 });
    request(105);
    clock.advance(400);
    expect(controller.figures).toMatchObject({ concurrency_limit: 4, sample_rtt_msecs: 105, burst_queue_size: 1 });
    expect(controller.figures.gradient).toBeCloseTo(1230, -1);
    clock.advance(3000);
    expect(controller.figures).toMatchObject({ min_rtt_calculation_active: 1, concurrency_limit: 2 });
    request(1);
    request(1);
    expect(controller.figures).toMatchObject({ min_rtt_calculation_active: 0, concurrency_limit: 4, min_rtt_msecs: 1 });
  });

  it('measures anew after five windows at the least limit', () => {
    const { controller, request } = started({ interval: '600s', request_count: 1 });
    request(10);
    for (let window = 0; window < 4; window++) {
      request(100);
      clock.advance(400);
      expect(controller.figures).toMatchObject({ min_rtt_calculation_active: 0, concurrency_limit: 2 });
    }
    request(100);
    clock.advance(400);
    expect(controller.figures.min_rtt_calculation_active).toBe(1);
  });

  it('lets in as many as the limit says, and forgets those that were broken off', () => {
    const { controller } = started({ interval: '600s' });
    expect([controller.enter(), controller.enter(), controller.enter()].map((began) => began !== undefined)).toEqual([
      true,
      true,
      false,
    ]);
    controller.cancel();
    expect(controller.enter()).toBeDefined();
    expect(controller.underWay).toBe(2);
  });

  it('does not measure requests that began before the round trip was measured', () => {
    const { controller, request } = started({ interval: '1s', request_count: 1, jitter: { value: 0 } });
    request(50);
    const early = controller.enter()!;
    clock.advance(1500);
    controller.record(early);
    expect(controller.figures.min_rtt_calculation_active).toBe(1);
    request(20);
    expect(controller.figures).toMatchObject({ min_rtt_calculation_active: 0, min_rtt_msecs: 20 });
  });

  it.each([
    [{}, /concurrency_controller_config: is required/],
    [{ gradient_controller_config: { min_rtt_calc_params: {} } }, /concurrency_limit_params: value is required/],
    [
      {
        gradient_controller_config: {
          concurrency_limit_params: { concurrency_update_interval: '1s' },
          min_rtt_calc_params: {},
        },
      },
      /nor `fixed_value` set/,
    ],
  ])('a configuration as %j is refused', (fields, why) => {
    expect(() => readAdaptiveConcurrency(any(fields))).toThrow(why);
  });
});

describe('admission control', () => {
  const read = (fields: object = {}) => readAdmissionControl(any({ success_criteria: {}, ...fields }));

  it('counts whole seconds until they are older than the window', () => {
    const window = new SuccessWindow(3, clock);
    window.record(true);
    clock.advance(900);
    window.record(false);
    clock.advance(1200);
    window.record(true);
    expect(window.counts).toEqual({ requests: 3, successes: 2 });
    clock.advance(900);
    expect(window.counts).toEqual({ requests: 1, successes: 1 });
    clock.advance(2100);
    expect(window.averageRps).toBe(0);
    expect(window.counts).toEqual({ requests: 0, successes: 0 });
  });

  it('knows how many requests come in a second on average', () => {
    const window = new SuccessWindow(2, clock);
    expect(window.averageRps).toBe(0);
    for (let i = 0; i < 9; i++) window.record(true);
    expect(window.averageRps).toBe(4);
  });

  it.each([
    ['no answer yet', { requests: 0, successes: 0 }, {}, 0],
    ['as many successes as there should be', { requests: 100, successes: 95 }, {}, 0],
    ['half of them failures', { requests: 99, successes: 38 }, {}, 0.59],
    ['nothing but failures, at most 80 %', { requests: 99, successes: 0 }, {}, 0.8],
    [
      'half of them failures, more aggressive',
      { requests: 99, successes: 38 },
      { aggression: { default_value: 2, runtime_key: 'a' } },
      0.768,
    ],
    [
      'an aggression below 1 is 1',
      { requests: 99, successes: 38 },
      { aggression: { default_value: 0.1, runtime_key: 'a' } },
      0.59,
    ],
    ['a lower threshold', { requests: 99, successes: 50 }, { sr_threshold: { default_value: { value: 50 } } }, -0.01],
  ])('%s: a probability of refusal', (_what, counts, fields, probability) => {
    expect(refusalProbability(counts, read(fields))).toBeCloseTo(probability, 3);
  });

  it('refuses nobody where most are successes, however aggressive it is', () => {
    const config = read({ aggression: { default_value: 2, runtime_key: 'a' } });
    expect(refusalProbability({ requests: 10, successes: 10 }, config) > 0).toBe(false);
  });

  it('counts errors of servers and of busy hosts as failures', () => {
    const { isGrpcSuccess, isHttpSuccess } = read();
    expect([200, 302, 404, 499, 500, 503].map(isHttpSuccess)).toEqual([true, true, true, true, false, false]);
    expect([...Array(17).keys()].filter((code) => !isGrpcSuccess(code))).toEqual([4, 8, 10, 13, 14, 15]);
  });

  it.each([
    [{ success_criteria: undefined }, /evaluation_criteria: is required/],
    [{ sr_threshold: { default_value: { value: 0.5 } } }, /cannot be less than 1.0%/],
    [{ max_rejection_probability: { default_value: { value: 120 } } }, /inside range \[0, 100\]/],
    [
      { success_criteria: { http_criteria: { http_success_status: [{ start: 99, end: 300 }] } } },
      /invalid HTTP range: \[99, 300\)/,
    ],
    [{ success_criteria: { grpc_criteria: { grpc_success_status: [17] } } }, /invalid gRPC code 17/],
    [{ success_criteria: { grpc_criteria: {} } }, /at least 1 item/],
    [{ enabled: { runtime_key: 'a' } }, /default_value: value is required/],
  ])('a configuration with %j is refused', (fields, why) => {
    expect(() => read(fields)).toThrow(why);
  });
});
