import { type Any, extensionTypes } from '#xds';
import type { MeshConfig } from '../doors.ts';

/** Istio's default text format (EnvoyTextLogFormat), one entry per line. */
const TEXT_FORMAT = `${[
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS%',
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED%',
  '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%"',
  '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS%',
  '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%',
].join(' ')}\n`;

type AccessLog = { name: string; typed_config: Any }[];

/** The access log of a filter; none when meshConfig.accessLogFile is empty. */
export function accessLog({ accessLogFile }: MeshConfig): { access_log?: AccessLog } {
  if (accessLogFile === '') return {};
  return {
    access_log: [
      {
        name: 'envoy.access_loggers.file',
        typed_config: {
          '@type': extensionTypes.fileAccessLog,
          path: accessLogFile,
          log_format: { text_format_source: { inline_string: TEXT_FORMAT } },
        },
      },
    ],
  };
}
