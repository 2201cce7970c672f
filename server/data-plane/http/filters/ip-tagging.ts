import type { Any } from '#xds';
import { type AddressRange, type CidrRange, compileRange } from '../../config/cidr.ts';
import { ConfigProblem, within } from '../../config/problem.ts';
import { type Fields, record } from '../../config/values.ts';
import type { Exchange } from '../exchange.ts';
import { appended } from '../inline-headers.ts';
import type { FilterParts } from './filter-parts.ts';
import { chooseRouteAgain } from './route-again.ts';

interface Tag {
  readonly name: string;
  readonly ranges: readonly AddressRange[];
}

export interface IpTagging {
  /** Which requests are looked at. */
  readonly of: 'BOTH' | 'INTERNAL' | 'EXTERNAL';
  readonly tags: readonly Tag[];
  readonly header: string;
  /** What clients say in the header is never believed. */
  readonly replaces: boolean;
}

const HEADER = 'x-envoy-ip-tags';

/** Reads envoy.extensions.filters.http.ip_tagging.v3.IPTagging. Throws ConfigProblem. */
export function readIpTagging(config: Any): IpTagging {
  const given = (config['ip_tags'] ?? []) as readonly Fields[];
  if (config['ip_tags_datasource'] !== undefined) {
    throw new ConfigProblem('ip_tags_datasource', 'this proxy reads no files; ip_tags holds the addresses themselves');
  }
  if (given.length === 0) {
    throw new ConfigProblem(
      'ip_tags',
      'HTTP IP Tagging Filter requires either ip_tags or ip_tags_datasource to be specified.',
    );
  }
  const header = record(config['ip_tag_header']);
  return {
    of: (config['request_type'] ?? 'BOTH') as IpTagging['of'],
    tags: given.map((tag, i) => within(`ip_tags[${i}]`, () => readTag(tag))),
    header: String(header?.['header'] ?? HEADER).toLowerCase(),
    replaces: header !== undefined && (header['action'] ?? 'SANITIZE') === 'SANITIZE',
  };
}

const readTag = (tag: Fields): Tag => ({
  name: String(tag['ip_tag_name'] ?? ''),
  ranges: ((tag['ip_list'] ?? []) as readonly CidrRange[]).map((range, i) => compileRange(range, `ip_list[${i}]`)),
});

/** Envoy's ip_tagging filter: a header tells in which of the lists the client's address stands; then the route is looked for anew. */
export function ipTagging(config: IpTagging): FilterParts {
  return {
    decode(exchange) {
      const internal = exchange.head.headers.get('x-envoy-internal') === 'true';
      if (config.of !== 'BOTH' && (config.of === 'INTERNAL') !== internal) return 'next';
      const { ip } = exchange.remoteAddress;
      const found = config.tags.filter(({ ranges }) => ranges.some((range) => range.contains(ip)));
      const names = found.map(({ name }) => name);
      count(exchange, names.length === 0 ? ['no_hit'] : names.map((name) => `${name}.hit`));
      exchange.steps.add('http_filter', 'applied', 'envoy.filters.http.ip_tagging', () => ({
        detail: names.length === 0 ? `${ip} stands in no list` : `${ip} stands in ${names.join(', ')}`,
      }));
      return tell(exchange, config, names.join(','));
    },
  };
}

function tell(exchange: Exchange, { header, replaces }: IpTagging, text: string): 'next' | 'wait' {
  const { headers } = exchange.head;
  const [given, ...further] = headers.all(header);
  if (text === '' && !(replaces && given !== undefined)) return 'next';
  if (text === '') headers.remove(header);
  else if (replaces || given === undefined) headers.put(header, text);
  else {
    // As in Envoy, the first line of several grows.
    headers.put(header, appended(given, text));
    for (const line of further) headers.add(header, line);
  }
  return chooseRouteAgain(exchange);
}

function count({ config, runtime }: Exchange, figures: readonly string[]): void {
  for (const figure of [...figures, 'total'])
    runtime.stats.stat(`http.${config.statPrefix}.ip_tagging.${figure}`).value++;
}
