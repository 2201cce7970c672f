import type { TunnelRequest } from '../config/tunneling-config.ts';
import type { FormatSubject } from '../format/subject.ts';
import { applyRequestRules } from '../http/apply-rules.ts';
import type { RequestHead } from '../http/codec.ts';
import { Headers } from '../http/headers.ts';

/** The request by which a host is asked to connect on; `subject` is the client's connection. */
export function tunnelHead(request: TunnelRequest, subject: FormatSubject): RequestHead {
  const head: RequestHead = {
    method: request.post ? 'POST' : 'CONNECT',
    path: request.post ? request.path : '',
    authority: request.authority(subject),
    scheme: 'http',
    protocol: 'HTTP/1.1',
    headers: new Headers(),
  };
  applyRequestRules(request.headers, { ...subject, head });
  return head;
}
