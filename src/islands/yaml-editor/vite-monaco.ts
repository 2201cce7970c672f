/**
 * What Vite must know for Monaco and monaco-yaml. monaco-editor's `exports` map has no `esm/vs` paths, which
 * monaco-worker-manager still imports; the dev server must bundle the worker ahead, or it fails to answer.
 */
export const viteMonaco = {
  resolve: { alias: [{ find: /^monaco-editor\/esm\/vs\//, replacement: 'monaco-editor/' }] },
  optimizeDeps: { include: ['monaco-yaml', 'monaco-yaml/yaml.worker.js'] },
  worker: { format: 'es' as const },
  build: { chunkSizeWarningLimit: 5000 },
};
