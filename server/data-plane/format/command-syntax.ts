import { ConfigProblem } from '../config/problem.ts';

/** What may stand behind the name of a command: an argument in parentheses, and a length. */
interface CommandSyntax {
  readonly argument: 'optional' | 'required';
  readonly length: boolean;
}

const names = (text: string, syntax: CommandSyntax): (readonly [string, CommandSyntax])[] =>
  text.split(' ').map((name) => [name, syntax] as const);

/** Commands that take more than their name, as Envoy's own table of them says. */
const SYNTAX: ReadonlyMap<string, CommandSyntax> = new Map([
  ...names(
    'REQ REQUEST_HEADER STREAM_INFO_REQ RESP RESPONSE_HEADER TRAILER RESPONSE_TRAILER QUERY_PARAM ENVIRONMENT ' +
      'DYNAMIC_METADATA COALESCE',
    { argument: 'required', length: true },
  ),
  ...names('COMMON_DURATION CLUSTER_METADATA UPSTREAM_METADATA', { argument: 'required', length: false }),
  ...names('PATH QUERY_PARAMS METADATA FILTER_STATE UPSTREAM_FILTER_STATE CEL TYPED_CEL REQ_WITHOUT_QUERY XFCC_VALUE', {
    argument: 'optional',
    length: true,
  }),
  ...names(
    'RESPONSE_CODE_DETAILS REQUESTED_SERVER_NAME GRPC_STATUS START_TIME START_TIME_LOCAL EMIT_TIME EMIT_TIME_LOCAL ' +
      'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT ' +
      'DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT ' +
      'DOWNSTREAM_PEER_CERT_V_START DOWNSTREAM_PEER_CERT_V_END UPSTREAM_PEER_CERT_V_START UPSTREAM_PEER_CERT_V_END',
    { argument: 'optional', length: false },
  ),
]);

/** Refuses what may not stand behind the name of a command. `()` is no argument. */
export function checkSyntax(
  name: string,
  { argument, hasLength }: { readonly argument: string; readonly hasLength: boolean },
  field: string,
): void {
  const syntax = SYNTAX.get(name);
  if (syntax === undefined) {
    if (argument === '' && !hasLength) return;
    throw new ConfigProblem(field, `${name} does not take any parameters or length`);
  }
  if (syntax.argument === 'required' && argument === '') {
    throw new ConfigProblem(field, `${name} requires parameters`);
  }
  if (hasLength && !syntax.length) throw new ConfigProblem(field, `${name} does not allow length to be specified.`);
}
