import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import mdx from '@astrojs/mdx';
import react from '@astrojs/react';
import { defineConfig } from 'astro/config';
import { viteMonaco } from './src/islands/yaml-editor/vite-monaco.ts';

// The theme is set before the first paint by an inline script; the policy names it by its hash.
const themeScript = readFileSync(new URL('./src/components/theme-boot.js', import.meta.url), 'utf8').trim();
const themeHash = `sha256-${createHash('sha256').update(themeScript).digest('base64')}` as const;

export default defineConfig({
  output: 'static',
  outDir: './dist',
  publicDir: './src/public',
  cacheDir: './.cache/astro',
  devToolbar: { enabled: false },
  integrations: [react(), mdx()],
  // YAML is coloured by our own highlighter, in the tokens of the editor.
  markdown: { syntaxHighlight: false },
  build: { inlineStylesheets: 'never' },
  security: {
    csp: {
      directives: [
        "default-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
      ],
      scriptDirective: { hashes: [themeHash] },
      // The editor and the terminal write style elements at run time.
      styleDirective: { resources: ["'self'", "'unsafe-inline'"] },
    },
  },
  vite: { ...viteMonaco, cacheDir: './.cache/vite' },
});
