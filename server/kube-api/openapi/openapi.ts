import { createHash } from 'node:crypto';
import { reviewKinds } from '../auth/review-kinds.ts';
import { type Group, type GroupVersion, groupVersionText } from '../discovery/groups.ts';
import type { Exchange } from '../http/exchange.ts';
import { GIT_VERSION } from '../http/version.ts';
import type { JsonRecord } from '../json.ts';
import { typeOf } from '../types/types.ts';

import { CoreSchemas, schemaName } from './core-schemas.ts';
import { customSchema, customSchemaName } from './custom-schemas.ts';
import { pathsOf } from './paths.ts';

/** Raised when the documents change although the schemas do not: clients keep them by their hash. */
const FORMAT = 1;
const INFO = { title: 'Kubernetes', version: GIT_VERSION };

/** OpenAPI version 3 of every group version, and the stub of version 2 that kubectl needs to tell an unknown kind. */
export class OpenApi {
  readonly #versions: ReadonlyMap<string, GroupVersion>;
  readonly #documents = new Map<string, string>();
  #index: string | undefined;

  constructor(groups: readonly Group[]) {
    const all = groups.flatMap((group) => group.versions);
    this.#versions = new Map(all.map((each) => [pathOf(each), each]));
  }

  /** Answers `/openapi/…`. False: the path is none of these. */
  answer(exchange: Exchange): boolean {
    const { pathname } = exchange.url;
    if (pathname === '/openapi/v2') return sendVersion2(exchange);
    if (pathname === '/openapi/v3') {
      this.#index ??= this.#buildIndex();
      exchange.send(200, this.#index, 'application/json');
      return true;
    }
    const path = /^\/openapi\/v3\/(.+)$/.exec(pathname)?.[1];
    const found = path === undefined ? undefined : this.#versions.get(path);
    if (path === undefined || !found) return false;
    const document = this.#documents.get(path) ?? JSON.stringify(documentOf(found));
    this.#documents.set(path, document);
    if (exchange.query.has('hash')) {
      exchange.response.setHeader('Cache-Control', 'public, immutable');
      exchange.response.setHeader('Expires', new Date(Date.UTC(2099, 0)).toUTCString());
      exchange.response.setHeader('ETag', `"${exchange.query.get('hash')?.replaceAll(/\W/g, '')}"`);
    }
    exchange.send(200, document, 'application/json');
    return true;
  }

  #buildIndex(): string {
    const entries = [...this.#versions].map(([path, each]): [string, JsonRecord] => [
      path,
      { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(each)}` },
    ]);
    return JSON.stringify({ paths: Object.fromEntries(entries) });
  }
}

const pathOf = (version: GroupVersion): string =>
  version.group === '' ? `api/${version.version}` : `apis/${groupVersionText(version)}`;

function hashOf(version: GroupVersion): string {
  const hash = createHash('sha256').update(`${FORMAT} ${GIT_VERSION} ${groupVersionText(version)}`);
  for (const kind of version.kinds)
    hash.update(kind.kind).update(JSON.stringify(kind.schema?.(version.version) ?? null));
  return hash.digest('hex').toUpperCase();
}

function documentOf(version: GroupVersion): JsonRecord {
  const schemas = new CoreSchemas();
  let paths: JsonRecord = {};
  schemas.addType('meta.v1.ObjectMeta');
  for (const kind of version.kinds) {
    if (reviewKinds.includes(kind)) {
      schemas.add(kind, version.version);
      continue;
    }
    const type = typeOf(kind);
    const name = type ? schemaName(type) : customSchemaName(kind, version.version);
    if (type) schemas.add(kind, version.version);
    else schemas.schemas[name] = customSchema(kind, version.version);
    paths = { ...paths, ...pathsOf(kind, version, name) };
  }
  return { openapi: '3.0.0', info: INFO, paths, components: { schemas: schemas.schemas } };
}

const VERSION_2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** An empty document: what a client looks for in it, it finds in version 3. */
function sendVersion2(exchange: Exchange): boolean {
  if (exchange.header('accept')?.includes('proto-openapi') !== true) {
    exchange.json(200, { swagger: '2.0', info: INFO, paths: {} });
    return true;
  }
  const text = (field: number, value: string): number[] => [
    field * 8 + 2,
    value.length,
    ...Buffer.from(value, 'latin1'),
  ];
  const info = [...text(1, INFO.title), ...text(2, INFO.version)];
  exchange.send(200, Buffer.from([...text(1, '2.0'), 2 * 8 + 2, info.length, ...info, 8 * 8 + 2, 0]), VERSION_2);
  return true;
}
