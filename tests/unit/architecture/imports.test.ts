import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Rooms by level: a room imports rooms of lower levels only, and none beside it unless listed as a friend. */
const levels: readonly (readonly string[])[] = [
  ['domain'],
  ['contract'],
  ['istio', 'kube-api', 'ca', 'xds', 'telemetry', 'workloads'],
  ['control-plane', 'data-plane', 'shell'],
  ['sandbox', 'envoy'],
  ['labs', 'learners', 'terminal'],
  ['api', 'cli'],
  ['main'],
];
/** A proxy that could see these would teach something false. */
const forbidden: Readonly<Record<string, readonly string[]>> = {
  'data-plane': ['istio', 'kube-api', 'ca'],
};

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const levelOf = (room: string): number => levels.findIndex((rooms) => rooms.includes(room));

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The room of a file below server/: its folder, or `main` for the composition roots. */
function roomOf(file: string): string {
  const parts = relative(join(root, 'server'), file).split('/');
  return parts.length === 1 ? 'main' : (parts[0] ?? 'main');
}

function edges(): Edge[] {
  return sourceFiles(join(root, 'server')).flatMap((file) => {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
    return source.statements.flatMap((statement) => {
      if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
      const specifier = statement.moduleSpecifier;
      if (!specifier || !ts.isStringLiteral(specifier)) return [];
      const typeOnly = ts.isImportDeclaration(statement)
        ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : statement.isTypeOnly;
      return [{ from: file, to: specifier.text, typeOnly }];
    });
  });
}

const all = edges();
const show = ({ from, to }: Edge): string => `${relative(root, from)} imports ${to}`;

/** The room an import leads to; undefined for packages, Node built-ins and files of the same room. */
function target(edge: Edge): string | undefined {
  if (edge.to.startsWith('#')) return edge.to.slice(1).split('/')[0];
  if (!edge.to.startsWith('.')) return undefined;
  const room = roomOf(resolve(dirname(edge.from), edge.to));
  return room === roomOf(edge.from) ? undefined : room;
}

describe('imports between rooms', () => {
  it('go down only, and never to a room on the same level', () => {
    const wrong = all.filter((edge) => {
      const to = target(edge);
      return to !== undefined && levelOf(to) >= levelOf(roomOf(edge.from));
    });
    expect(wrong.map(show)).toEqual([]);
  });

  it('never lead from the data plane to the rooms whose objects a proxy must not know', () => {
    const wrong = all.filter((edge) => forbidden[roomOf(edge.from)]?.includes(target(edge) ?? ''));
    expect(wrong.map(show)).toEqual([]);
  });

  it('enter a room by its door only', () => {
    const wrong = all.filter(
      (edge) => edge.to.startsWith('.') && roomOf(edge.from) !== 'main' && target(edge) !== undefined,
    );
    const allowed = (edge: Edge): boolean => roomOf(edge.from) === 'contract' && target(edge) === 'domain';
    expect(wrong.filter((edge) => !allowed(edge)).map(show)).toEqual([]);
  });

  it('keep the domain free of Node, packages and every other room', () => {
    const wrong = all.filter((edge) => roomOf(edge.from) === 'domain' && !edge.to.startsWith('./'));
    expect(wrong.map(show)).toEqual([]);
  });

  it('name every room of the server', () => {
    const rooms = readdirSync(join(root, 'server'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(rooms.map((entry) => entry.name).filter((room) => levelOf(room) < 0)).toEqual([]);
  });

  it('let the site know the server through its contract only', () => {
    const files = sourceFiles(join(root, 'src'));
    const wrong = files.flatMap((file) =>
      ts
        .preProcessFile(readFileSync(file, 'utf8'))
        .importedFiles.map(({ fileName }) => fileName)
        .filter(
          (name) =>
            (name.startsWith('#') && name !== '#contract') ||
            (/\/server\//.test(name) && !/\/server\/contract\//.test(name)),
        )
        .map((name) => `${relative(root, file)} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('have no cycle among the files that run', () => {
    expect(findCycle()).toEqual([]);
  });
});

/** The first cycle of value imports, as paths; empty when there is none. */
function findCycle(): string[] {
  const next = new Map<string, string[]>();
  for (const edge of all) {
    if (edge.typeOnly) continue;
    const to = edge.to.startsWith('#')
      ? join(root, 'server', edge.to.slice(1), 'index.ts')
      : edge.to.startsWith('.')
        ? resolve(dirname(edge.from), edge.to)
        : undefined;
    if (to) next.set(edge.from, [...(next.get(edge.from) ?? []), to]);
  }
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file].map((each) => relative(root, each));
    if (done.has(file)) return [];
    path.push(file);
    for (const child of next.get(file) ?? []) {
      const cycle = visit(child);
      if (cycle.length > 0) return cycle;
    }
    path.pop();
    done.add(file);
    return [];
  };
  for (const file of next.keys()) {
    const cycle = visit(file);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
