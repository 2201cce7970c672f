import { describe, expect, it } from 'vitest';
import { readRbac } from '../../../server/data-plane/config/rbac/rbac.ts';
import type { RbacSubject } from '../../../server/data-plane/config/rbac/subject.ts';
import { countUnreadAddresses } from '../../../server/data-plane/stats/filter-stats.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';

const TYPE = 'type.googleapis.com/envoy.';
const MATCHERS = `${TYPE}extensions.matching.`;
const METADATA = {
  '@type': `${MATCHERS}common_inputs.network.v3.DynamicMetadataInput`,
  filter: 'shop',
  path: [{ key: 'who' }],
};
const NAMES_ANN = {
  '@type': `${MATCHERS}input_matchers.metadata.v3.Metadata`,
  value: { string_match: { exact: 'ann' } },
};

const rbac = (single: object, judges?: 'connections') => {
  const action = { '@type': `${TYPE}config.rbac.v3.Action`, name: 'found' };
  const matchers = [{ predicate: { single_predicate: single }, on_match: { action: { typed_config: action } } }];
  // Routes have the message itself, which names no type.
  return readRbac({ matcher: { matcher_list: { matchers } } } as never, judges);
};
const chosen = (single: object, who: unknown): string | undefined => {
  const metadata = (filter: string) => (filter === 'shop' ? { who } : undefined);
  return rbac(single).rules?.matcher?.choose({
    head: undefined,
    remoteIp: '127.0.0.1',
    metadata,
  } as unknown as RbacSubject)?.name;
};
const over = (input: object, custom: object) => ({
  input: { typed_config: input },
  custom_match: { typed_config: custom },
});

describe('a tree of RBAC over metadata', () => {
  it('chooses by what a filter has left, whatever its type', () => {
    expect(chosen(over(METADATA, NAMES_ANN), 'ann')).toBe('found');
    expect(chosen(over(METADATA, NAMES_ANN), 'bob')).toBeUndefined();
    expect(chosen(over(METADATA, { ...NAMES_ANN, value: { bool_match: true } }), true)).toBe('found');
    expect(chosen(over(METADATA, { ...NAMES_ANN, invert: true }), undefined)).toBe('found');
  });

  it('never fits where metadata is read as a text, or a text as metadata', () => {
    expect(
      chosen(
        { input: { typed_config: METADATA }, value_match: { safe_regex: { google_re2: {}, regex: '.*' } } },
        'ann',
      ),
    ).toBeUndefined();
    const address = { '@type': `${MATCHERS}common_inputs.network.v3.SourceIPInput` };
    expect(chosen(over(address, { ...NAMES_ANN, invert: true }), 'bob')).toBeUndefined();
    const ranges = [{ address_prefix: '127.0.0.0', prefix_len: 8 }];
    expect(
      chosen(over(METADATA, { '@type': `${MATCHERS}input_matchers.ip.v3.Ip`, cidr_ranges: ranges }), 'ann'),
    ).toBeUndefined();
  });

  it('is refused without filter, path or key, and where connections are judged', () => {
    const refusal = (input: object, judges?: 'connections') => () =>
      rbac(over({ ...METADATA, ...input }, NAMES_ANN), judges);
    expect(refusal({ filter: '' })).toThrow('value length must be at least 1 characters');
    expect(refusal({ path: [] })).toThrow('value must contain at least 1 item(s)');
    expect(refusal({ path: [{}] })).toThrow('is required');
    expect(refusal({}, 'connections')).toThrow('RBAC network filter cannot match');
    const text = { input: { typed_config: METADATA }, value_match: { safe_regex: { regex: '.*' } } };
    expect(() => rbac(text)).toThrow('engine_type: is required');
  });
});

describe('a tree of RBAC over addresses', () => {
  it('counts texts that are no addresses, and lets nothing fit them', () => {
    const header = { '@type': `${TYPE}type.matcher.v3.HttpRequestHeaderMatchInput`, header_name: 'x-from' };
    const everything = [{ address_prefix: '0.0.0.0', prefix_len: 0 }];
    const config = rbac(
      over(header, { '@type': `${MATCHERS}input_matchers.ip.v3.Ip`, stat_prefix: 'ranges', cidr_ranges: everything }),
    );
    const stats = new Stats();
    countUnreadAddresses(stats, config);
    const chosenFor = (from: string | undefined): string | undefined =>
      config.rules?.matcher?.choose({ head: { headers: { joined: () => from } } } as unknown as RbacSubject)?.name;
    expect(['10.1.2.3', 'nowhere', '', undefined].map(chosenFor)).toEqual(['found', undefined, undefined, undefined]);
    expect(stats.values().get('ranges.ip_parsing_failed')).toBe(1);
  });
});
