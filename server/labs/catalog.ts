import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { MeshworkError } from '#domain';
import { referenceProblem } from './lab-references.ts';
import { type LabSpec, labSchema } from './lab-schema.ts';

export interface LabFile {
  readonly file: string;
  readonly text: string;
}

/** A lab as its folder holds it, without its text, which the site brings to the page. */
export interface Lab {
  readonly spec: LabSpec;
  readonly topology: readonly LabFile[];
  /** Files in the editor at the start. */
  readonly start: readonly LabFile[];
  readonly solution: readonly LabFile[];
  /** Files of each named wrong answer. */
  readonly wrong: ReadonlyMap<string, readonly LabFile[]>;
  /** Files of the terminal's samples/ folder. */
  readonly samples: ReadonlyMap<string, string>;
  /** Files of a folder of the lab that a solution step names. */
  folder(name: string): readonly LabFile[];
}

export function listLabs(root: string): string[] {
  return readdirSync(join(root, 'labs'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, 'labs', entry.name, 'lab.yaml')))
    .map((entry) => entry.name)
    .sort();
}

/** Reads labs/<id>. Throws MeshworkError naming the file and field that are wrong. */
export function loadLab(root: string, labId: string): Lab {
  const folder = join(root, 'labs', labId);
  if (!/^[a-z0-9-]+$/.test(labId) || !existsSync(join(folder, 'lab.yaml'))) {
    throw new MeshworkError('unknown_lab', `There is no lab "${labId}".`);
  }
  const spec = readSpec(labId, readFileSync(join(folder, 'lab.yaml'), 'utf8'));
  return {
    spec,
    topology: readFiles(join(folder, 'topology')),
    start: readFiles(join(folder, 'start')),
    solution: readFiles(join(folder, 'solution')),
    wrong: new Map(spec.wrong.map(({ id }) => [id, readFiles(join(folder, 'wrong', id))])),
    samples: new Map(readTree(join(folder, 'samples'), 'samples').map(({ file, text }) => [file, text])),
    folder: (name) => readFiles(join(folder, name)),
  };
}

const malformed = (labId: string, what: string): MeshworkError =>
  new MeshworkError('lab_malformed', `labs/${labId}/lab.yaml: ${what}`);

function readSpec(labId: string, text: string): LabSpec {
  const document = parseDocument(text);
  const [unreadable] = document.errors;
  if (unreadable) throw malformed(labId, unreadable.message);
  const parsed = labSchema.safeParse(document.toJS());
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw malformed(labId, `${issue?.path.join('.') || 'the whole file'}: ${issue?.message}`);
  }
  if (parsed.data.id !== labId) throw malformed(labId, `id: is ${parsed.data.id}, the folder is ${labId}`);
  const problem = referenceProblem(parsed.data);
  if (problem) throw malformed(labId, problem);
  return parsed.data;
}

function readFiles(folder: string): LabFile[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => /\.ya?ml$/.test(file))
    .sort()
    .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));
}

function readTree(folder: string, prefix: string): LabFile[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? readTree(join(folder, entry.name), `${prefix}/${entry.name}`)
      : [{ file: `${prefix}/${entry.name}`, text: readFileSync(join(folder, entry.name), 'utf8') }],
  );
}
