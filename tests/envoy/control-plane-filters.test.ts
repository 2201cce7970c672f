import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdsVariant, extensionTypes, typeUrls } from '#xds';
import { stat } from './support/config-dump.ts';
import { type Side, statusAt } from './support/control-plane/both-sides.ts';
import { inline, listener } from './support/control-plane/resources.ts';
import { startWatchedSides, type WatchedSides } from './support/control-plane/watched-sides.ts';
import { waitFor } from './support/wait.ts';

const { listener: LDS, extension: ECDS } = typeUrls;
const LIMIT_MS = 10_000;
const TYPE = 'type.googleapis.com/envoy.extensions.filters.http';
const FAULT = `${TYPE}.fault.v3.HTTPFault`;
const ROUTER = { name: 'envoy.filters.http.router', typed_config: { '@type': extensionTypes.router } };
const FIGURES = ['init_fetch_timeout', 'config_fail', 'config_reload', 'update_success', 'update_rejected'];

const aborting = (http_status: number) => ({
  '@type': FAULT,
  abort: { http_status, percentage: { numerator: 100, denominator: 'HUNDRED' } },
});
const sent = (name: string, typed_config: object) => ({ json: { name, typed_config } });

/** Filters of requests, the first of which asks for its configuration. */
const asking = (name: string, wait: string, fields: object = {}) => ({
  ...inline,
  http_filters: [
    {
      name,
      config_discovery: {
        config_source: { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: wait },
        type_urls: [FAULT],
        ...fields,
      },
    },
    ROUTER,
  ],
});

const variants: readonly AdsVariant[] = ['delta', 'state of the world'];

describe.each(variants)('of filters whose configuration is asked for by %s, our proxy and a real Envoy', (variant) => {
  let watched: WatchedSides;
  const both: WatchedSides['both'] = (look) => watched.both(look);

  beforeAll(async () => {
    watched = await startWatchedSides('control-plane-filters', variant);
  });
  afterAll(() => watched?.stop());

  const figures = async ({ admin }: Side, name: string): Promise<number[]> => {
    const prefix = `extension_config_discovery.http_filter.${name}.`;
    const page = await admin(`/stats?filter=${prefix}`);
    return FIGURES.map((figure) => stat(page, prefix + figure));
  };
  const opened = (ip: string, port: number): Promise<string> =>
    waitFor('an open port', LIMIT_MS, async () => {
      const status = await statusAt(ip, port);
      return status === 'ECONNREFUSED' ? undefined : status;
    });

  it('answer 500 once one has been waited for in vain, and as it says when it comes; a refused one leaves it in force', async () => {
    const seen = await both(async (side) => {
      const { plane, ip } = side;
      await plane.push(LDS, [{ json: listener(ip, 'late', 8081, asking('late', '0.5s')) }]);
      const told: unknown[] = [await statusAt(ip, 8081), await opened(ip, 8081), await figures(side, 'late')];
      told.push(await plane.push(ECDS, [sent('late', aborting(420))]), await statusAt(ip, 8081));
      told.push((await plane.push(ECDS, [sent('late', { '@type': `${TYPE}.cors.v3.Cors` })])) !== '');
      return [...told, await statusAt(ip, 8081), await figures(side, 'late')];
    });
    expect(seen).toEqual(['ECONNREFUSED', '500', [1, 1, 0, 0, 0], '', '420', true, '420', [1, 2, 1, 1, 1]]);
  });

  it('have its default in force until it comes', async () => {
    const seen = await both(async (side) => {
      const { plane, ip } = side;
      const atOnce = { default_config: aborting(418), apply_default_config_without_warming: true };
      await plane.push(LDS, [{ json: listener(ip, 'spare', 8082, asking('spare', '0s', atOnce)) }]);
      const before = await opened(ip, 8082);
      const refused = await plane.push(ECDS, [sent('spare', aborting(420))]);
      return [before, refused, await statusAt(ip, 8082), await figures(side, 'spare')];
    });
    expect(seen).toEqual(['418', '', '420', [0, 0, 1, 1, 0]]);
  });

  it('open the port with 500 when one comes that cannot be used, however long they would have waited', async () => {
    const seen = await both(async (side) => {
      const { plane, ip } = side;
      await plane.push(LDS, [{ json: listener(ip, 'bad', 8083, asking('bad', '0s')) }]);
      const before = await statusAt(ip, 8083);
      const refused = (await plane.push(ECDS, [sent('bad', { '@type': `${TYPE}.cors.v3.Cors` })])) !== '';
      return [before, refused, await opened(ip, 8083), await figures(side, 'bad')];
    });
    expect(seen).toEqual(['ECONNREFUSED', true, '500', [0, 1, 0, 0, 1]]);
  });

  it.runIf(variant === 'delta')('answer 500 again when one is removed', async () => {
    const seen = await both(async ({ plane, ip }) => {
      await plane.push(ECDS, [sent('late', aborting(421))]);
      const before = await statusAt(ip, 8081);
      return [before, await plane.push(ECDS, [], ['late']), await statusAt(ip, 8081)];
    });
    expect(seen).toEqual(['421', '', '500']);
  });

  it('refuse a filter that shall not wait and has no default', async () => {
    const seen = await both(async ({ plane, ip }) => {
      const given = asking('bare', '0s', { apply_default_config_without_warming: true });
      return (await plane.push(LDS, [{ json: listener(ip, 'bare', 8084, given) }])).replace(/^.*Error: /s, '').trim();
    });
    expect(seen).toContain('filter config bare applied without warming but has no default config.');
  });

  it('answer everything else all the time', () => {
    expect(watched.broken).toEqual([]);
  });
});
