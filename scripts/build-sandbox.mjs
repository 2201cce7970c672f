// Joins the code of a sandbox process, 1,500 files with its packages, to one, and keeps what V8 makes of it: reading and compiling them
// one by one takes most of a mesh's start.
// `node scripts/build-sandbox.mjs [--force]`. Without it a sandbox starts from the sources, and runs the same.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pinnedNode, root } from './node.mjs';
import { stampOf } from './stamp.mjs';
import { fail, SetupError, step } from './steps.mjs';

const inputs = ['server', 'package.json', 'package-lock.json', 'scripts'];
const folder = join(root, '.cache', 'sandbox');
const stampFile = join(folder, 'stamp');

/** The file that a sandbox process runs. */
export const sandboxProgram = join(folder, 'sandbox-main.js');

/** Starts it: `server/sandbox-joined.ts` as JavaScript, beside the program. */
const launcher = join(folder, 'sandbox-joined.mjs');

/** Builds the program, or answers `{ skipped }` when nothing it is made of changed. */
export async function buildSandbox({ force = false } = {}) {
  // The program names its data files by their full paths.
  const stamp = `${root}\n${stampOf(inputs)}`;
  const built = existsSync(sandboxProgram) && existsSync(stampFile);
  if (!force && built && readFileSync(stampFile, 'utf8') === stamp) return { skipped: 'up to date' };
  // A build that breaks off must not leave a stamp that says all is well.
  rmSync(stampFile, { force: true });
  rmSync(`${sandboxProgram}.v8`, { force: true });
  await bundle();
  await warm();
  writeFileSync(stampFile, stamp);
  return {};
}

async function bundle() {
  try {
    const { build, transform } = await import('esbuild');
    const { outputFiles } = await build({
      entryPoints: [join(root, 'server', 'sandbox-main.ts')],
      write: false,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node26',
      logLevel: 'silent',
      // One expression, an async function: V8 keeps compiled code of scripts only, and a script has no `import`, no `await`.
      banner: { js: "(async (require) => {'use strict';" },
      footer: { js: '})' },
      charset: 'ascii',
      // V8 keeps the text as long as the process lives. Names and lines stay, for stack traces.
      minifyWhitespace: true,
      lineLimit: 160,
      plugins: [ownFolders, builtins],
    });
    const [{ contents }] = outputFiles;
    // Compiled code begins with the same digest, so that it is never taken for another program.
    const digest = createHash('sha256').update(contents).digest('hex');
    mkdirSync(folder, { recursive: true });
    writeWhole(sandboxProgram, Buffer.concat([Buffer.from(`// ${digest}\n`), contents]));
    // As JavaScript: a process that must take types away first is 13 MB larger.
    const { code } = await transform(readFileSync(join(root, 'server', 'sandbox-joined.ts'), 'utf8'), { loader: 'ts' });
    writeWhole(launcher, code);
  } catch (cause) {
    throw new SetupError('the code of the sandboxes could not be joined.', 'Read the cause below.', { cause });
  }
}

/** Whole or not at all: sandboxes may be starting from it. */
function writeWhole(file, contents) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, contents);
  renameSync(draft, file);
}

/** Keeps what V8 compiles while a mesh starts. Without it a start takes longer, and nothing else is amiss. */
function warm() {
  return new Promise((resolve) => {
    const file = join(root, 'scripts', 'warm-sandbox.ts');
    const child = spawn(pinnedNode(), ['--disable-warning=ExperimentalWarning', file, sandboxProgram], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('error', resolve);
    child.on('exit', resolve);
  });
}

/** A source that reads a file beside itself goes on finding it. */
const ownFolders = {
  name: 'own folders',
  setup: (build) => {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta.')) return undefined;
      const contents = text
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href));
      return { contents, loader: 'ts' };
    });
  },
};

/** `import` of a builtin module evaluates every name that it exports: of `node:http` a WebSocket client, 30 ms. `require` does not. */
const builtins = {
  name: 'builtin modules',
  setup: (build) => {
    build.onResolve({ filter: /^[a-z_/:0-9]+$/ }, ({ path, kind }) =>
      kind === 'import-statement' && isBuiltin(path) ? { path, namespace: 'builtin' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await step('mesh code', () => buildSandbox({ force: process.argv.includes('--force') }));
  } catch (error) {
    fail(error);
  }
}
