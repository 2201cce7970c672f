import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import type { ReceivedRequest } from '../data-plane-h1/harness.ts';
import { echo, startHttp2Server, type TestServer } from './harness.ts';

const run = promisify(execFile);
let server: TestServer;
let folder: string;

/** Answers GET with 200 bytes, everything else with its own body. */
function answer(request: ReceivedRequest): void {
  if (request.stream.head.method !== 'GET') {
    echo(request);
    return;
  }
  request.onEnd = () => {
    request.stream.sendHead({ status: 200, headers: Headers.of({ 'content-length': '200' }) }, false);
    request.stream.sendData(Buffer.alloc(200, 'x'));
    request.stream.sendEnd();
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meshwork-h2-'));
  server = await startHttp2Server(answer, { extendedConnect: true }, 'HTTP2');
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function has(tool: string): boolean {
  try {
    execFileSync('which', [tool], { stdio: 'ignore' });
    return true;
  } catch {
    console.log(`skipped: ${tool} is not installed`);
    return false;
  }
}

describe('an HTTP/2 server connection speaks with', () => {
  it.skipIf(!has('curl'))('curl, without TLS, 2 MB there and back', async () => {
    const file = join(folder, 'body');
    const body = Buffer.alloc(2 * 1024 * 1024, 'mesh');
    writeFileSync(file, body);
    const list = [
      '-s',
      '--http2-prior-knowledge',
      '--data-binary',
      `@${file}`,
      '-o',
      `${file}.out`,
      '-w',
      '%{http_version}',
    ];
    const { stdout } = await run('curl', [...list, `http://127.0.0.1:${server.port}/`]);
    expect(stdout).toBe('2');
    expect(readFileSync(`${file}.out`).equals(body)).toBe(true);
  });

  it.skipIf(!has('nghttp'))('nghttp', async () => {
    const { stdout } = await run('nghttp', [
      '-v',
      '-H',
      ':method: POST',
      '-d',
      '/dev/null',
      `http://127.0.0.1:${server.port}/`,
    ]);
    expect(stdout).toContain(':status: 200');
    expect(stdout).not.toContain('recv RST_STREAM');
  });

  it.skipIf(!has('h2load'))('h2load, 20,000 requests on 4 connections with 50 streams each', async () => {
    const { stdout } = await run('h2load', ['-n20000', '-c4', '-m50', `http://127.0.0.1:${server.port}/`]);
    expect(stdout).toContain('20000 succeeded, 0 failed, 0 errored, 0 timeout');
  });

  it.skipIf(!has('h2spec'))('h2spec, all of its cases, the strict ones too', { timeout: 120_000 }, async () => {
    const { stdout } = await run('h2spec', ['-S', '-h', '127.0.0.1', '-p', String(server.port)]);
    expect(stdout).toMatch(/(\d+) tests, \1 passed, 0 skipped, 0 failed/);
  });
});
