import * as monaco from 'monaco-editor/editor';
import 'monaco-editor/features/register.all';
import 'monaco-editor/languages/definitions/yaml/register';
import EditorWorker from 'monaco-editor/editor/editor.worker?worker';
import { configureMonacoYaml, type MonacoYaml } from 'monaco-yaml';
import { type JsonSchema, loadIndex, loadSchema, neededEntries, type SchemaEntry, schemaByKind } from './schemas.ts';
import YamlWorker from './yaml.worker?worker';

const SCHEMA_URI = 'inmemory://schema/mesh.json';

/**
 * Monaco as monaco-yaml expects it: from 0.53 on `createWebWorker` takes a worker, while monaco-yaml hands over a module
 * name; the first two messages are the worker's handshake, in this order.
 */
function monacoForYaml(): Parameters<typeof configureMonacoYaml>[0] {
  const createWebWorker = (options: { createData?: unknown; host?: object; keepIdleModels?: boolean }): unknown => {
    const worker = new YamlWorker();
    worker.postMessage('ignore');
    worker.postMessage(options.createData);
    const { host, keepIdleModels } = options;
    return monaco.editor.createWebWorker({
      worker,
      ...(host === undefined ? {} : { host: host as Record<string, (...given: never[]) => unknown> }),
      ...(keepIdleModels === undefined ? {} : { keepIdleModels }),
    } as Parameters<typeof monaco.editor.createWebWorker>[0]);
  };
  return { ...monaco, editor: { ...monaco.editor, createWebWorker } } as unknown as Parameters<
    typeof configureMonacoYaml
  >[0];
}

/** Schemas come one file per kind: those of the text first, all others right after, so that a new document finds its own. */
export class YamlLanguage {
  readonly #yaml: MonacoYaml;
  readonly #loaded = new Map<string, JsonSchema>();
  readonly #asked = new Set<string>();
  #index: SchemaEntry[] = [];

  constructor() {
    self.MonacoEnvironment = {
      getWorker: (_id, label) => (label === 'yaml' ? new YamlWorker() : new EditorWorker()),
    };
    this.#yaml = configureMonacoYaml(monacoForYaml(), this.#options());
  }

  async start(text: string): Promise<void> {
    if (this.#index.length > 0) return;
    this.#index = await loadIndex(fetch);
    await this.#load(neededEntries(this.#index, text));
    await this.#load(this.#index);
  }

  /** Loads what is not known yet. */
  async #load(entries: readonly SchemaEntry[]): Promise<void> {
    const missing = entries.filter((entry) => !this.#asked.has(entry.file));
    if (missing.length === 0) return;
    for (const entry of missing) this.#asked.add(entry.file);
    await Promise.all(
      missing.map(async (entry) => {
        const schema = await loadSchema(fetch, entry);
        if (schema) this.#loaded.set(entry.file, schema);
      }),
    );
    await this.#yaml.update(this.#options());
  }

  #options(): Parameters<typeof configureMonacoYaml>[1] & object {
    return {
      enableSchemaRequest: false,
      hover: true,
      // One schema is put together from all kinds: its name would say nothing about the field.
      hoverSchemaSource: false,
      completion: true,
      validate: true,
      format: { enable: true },
      schemas: [{ uri: SCHEMA_URI, fileMatch: ['*'], schema: schemaByKind(this.#index, this.#loaded) }],
    };
  }
}

export { monaco };
