import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { APIRoute } from 'astro';

/** The editor's schemas, one file per kind, and an index that says which kind is in which file. */
const folder = join(process.cwd(), 'server/istio/schemas');

interface KindSchema {
  properties?: { kind?: Named; apiVersion?: Named };
}

interface Named {
  const?: string;
  enum?: string[];
}

function wordsOf(named: Named | undefined): string[] {
  return named?.enum ?? (named?.const === undefined ? [] : [named.const]);
}

function files(): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.json')) : [];
}

function read(file: string): string {
  return readFileSync(join(folder, file), 'utf8');
}

function index(): { kind: string; apiVersions: string[]; file: string }[] {
  return files().flatMap((file) => {
    const { properties } = JSON.parse(read(file)) as KindSchema;
    const [kind] = wordsOf(properties?.kind);
    const apiVersions = wordsOf(properties?.apiVersion);
    return kind !== undefined && apiVersions.length > 0 ? [{ kind, apiVersions, file }] : [];
  });
}

export function getStaticPaths(): { params: { schema: string } }[] {
  return [...files().map((file) => file.replace(/\.json$/, '')), 'index'].map((schema) => ({ params: { schema } }));
}

export const GET: APIRoute = ({ params }) => {
  const body = params['schema'] === 'index' ? JSON.stringify(index()) : read(`${params['schema']}.json`);
  return new Response(body, { headers: { 'content-type': 'application/json' } });
};
