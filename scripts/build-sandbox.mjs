// Joins the code of a sandbox process, 1,500 files with its packages, to one: reading them one by one takes most of a mesh's start.
// `node scripts/build-sandbox.mjs [--force]`. Without it a sandbox starts from the sources, and runs the same.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './node.mjs';
import { stampOf } from './stamp.mjs';
import { fail, SetupError, step } from './steps.mjs';

const inputs = ['server', 'package.json', 'package-lock.json', 'scripts/build-sandbox.mjs'];
const folder = join(root, '.cache', 'sandbox');
const stampFile = join(folder, 'stamp');

/** The file that a sandbox process runs. */
export const sandboxProgram = join(folder, 'sandbox-main.mjs');

/** Builds the program, or answers `{ skipped }` when nothing it is made of changed. */
export async function buildSandbox({ force = false } = {}) {
  // The program names its data files by their full paths.
  const stamp = `${root}\n${stampOf(inputs)}`;
  const built = existsSync(sandboxProgram) && existsSync(stampFile);
  if (!force && built && readFileSync(stampFile, 'utf8') === stamp) return { skipped: 'up to date' };
  // A build that breaks off must not leave a stamp that says all is well.
  rmSync(stampFile, { force: true });
  await bundle();
  mkdirSync(folder, { recursive: true });
  writeFileSync(stampFile, stamp);
  return {};
}

async function bundle() {
  try {
    const { build } = await import('esbuild');
    await build({
      entryPoints: [join(root, 'server', 'sandbox-main.ts')],
      outfile: sandboxProgram,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node26',
      logLevel: 'silent',
      // CommonJS packages call it.
      banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
      plugins: [ownFolders, builtins],
    });
  } catch (cause) {
    throw new SetupError('the code of the sandboxes could not be joined.', 'Read the cause below.', { cause });
  }
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
    build.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
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
