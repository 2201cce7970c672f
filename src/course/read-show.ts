import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ShowInLab } from './show.ts';
import type { AppliedText, ShowScript } from './show-script.ts';

const labs = (root: string) => join(root, 'labs');

/** The YAML of one folder of a lab, by file name; empty where there is none. */
function readFolder(root: string, lab: string, folder: string): AppliedText[] {
  const path = join(labs(root), lab, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((file) => /\.ya?ml$/.test(file))
    .sort()
    .map((file) => ({ file, text: readFileSync(join(path, file), 'utf8') }));
}

/** What the lab page does for a term, with the text of the files that it applies. Read when the site is built. */
export function readShow(term: string, slug: string, show: ShowInLab, root = process.cwd()): ShowScript {
  const { lab, view, at, caller, look } = show;
  return {
    term,
    slug,
    lab,
    start: readFolder(root, lab, 'start'),
    steps: show.do.map((step) => ('apply' in step ? { files: readFolder(root, lab, step.apply) } : step)),
    view,
    ...(at === undefined ? {} : { at }),
    ...(caller === undefined ? {} : { caller }),
    look,
  };
}
