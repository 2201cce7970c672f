import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { isCompressible, takesGzip, type Zipped } from './zipped-files.ts';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.txt': 'text/plain; charset=utf-8',
  '.map': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.xml': 'application/xml',
};

/** What is needed of a request to serve a file; `status` where the page of another status is sent. */
export interface FileRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly status?: number;
}

export interface Site {
  readonly folder: string;
  readonly zipped: Zipped;
}

/**
 * Serves the built site: GET and HEAD, `index.html` for folders, hashed assets cached for a year, pages revalidated, text compressed for
 * those who take gzip. Answers false when there is no such file. Paths never leave the folder.
 */
export async function serveStatic(
  { folder, zipped }: Site,
  request: FileRequest,
  response: ServerResponse,
): Promise<boolean> {
  const path = decodePath(request.url ?? '/');
  if (path === undefined) return false;
  const found = await findFile(folder, path);
  if (!found) return false;
  if (found.redirect) {
    response.writeHead(301, { location: found.redirect }).end();
    return true;
  }
  const type = contentTypes[extname(found.file)] ?? 'application/octet-stream';
  const mayZip = isCompressible(type, found.size);
  const zip = mayZip && takesGzip(request.headers);
  const state = `${found.size.toString(36)}-${Math.floor(found.modifiedMs).toString(36)}`;
  const etag = zip ? `"${state}-gz"` : `"${state}"`;
  const headers = {
    'content-type': type,
    'cache-control': path.startsWith('/_astro/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag,
    ...(mayZip && { vary: 'accept-encoding' }),
  };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end();
    return true;
  }
  if (zip) {
    const body = await zipped.read(found.file, state);
    response.writeHead(request.status ?? 200, {
      ...headers,
      'content-encoding': 'gzip',
      'content-length': body.length,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    return true;
  }
  response.writeHead(request.status ?? 200, { ...headers, 'content-length': found.size });
  if (request.method === 'HEAD') response.end();
  else
    createReadStream(found.file)
      .on('error', () => response.destroy())
      .pipe(response);
  return true;
}

function decodePath(url: string): string | undefined {
  try {
    const path = decodeURIComponent(new URL(url, 'http://lab.invalid').pathname);
    return path.includes('\0') ? undefined : path;
  } catch (error) {
    if (error instanceof URIError || error instanceof TypeError) return undefined;
    throw error;
  }
}

interface FoundFile {
  readonly file: string;
  readonly size: number;
  readonly modifiedMs: number;
  readonly redirect?: string;
}

async function findFile(folder: string, path: string): Promise<FoundFile | undefined> {
  const file = normalize(join(folder, path));
  if (file !== folder && !file.startsWith(folder + sep)) return undefined;
  const facts = await stat(file).catch(() => undefined);
  if (facts?.isFile()) return { file, size: facts.size, modifiedMs: facts.mtimeMs };
  if (!facts?.isDirectory()) return undefined;
  if (!path.endsWith('/')) return { file, size: 0, modifiedMs: 0, redirect: `${path}/` };
  const index = join(file, 'index.html');
  const indexFacts = await stat(index).catch(() => undefined);
  return indexFacts?.isFile() ? { file: index, size: indexFacts.size, modifiedMs: indexFacts.mtimeMs } : undefined;
}
