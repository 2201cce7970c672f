import { UsageError } from '../../command.ts';
import { type FlagDialect, type FlagSpec, many, onOff, value } from '../../flags.ts';

export const CURL_MANUAL = `curl [options] <url>…
Sends HTTP requests. Here it runs outside the cluster and reaches the ingress gateway; inside a pod:
  kubectl exec deploy/frontend -- curl -s http://reviews:9080/reviews/0
What is shown   -s quiet · -S errors all the same · -i head and body · -I head only · -v the conversation · -o file · -O · -D file for the heads
                -w '%{http_code} %{time_connect} %{time_appconnect} %{time_starttransfer} %{time_total} %{url_effective} %{num_redirects} %{redirect_url} %header{server} %{json}\\n'
What is sent    -X method · -H 'name: value' · -d data or @file · --data-raw · --data-binary · --data-urlencode name=text · -G data in the query · --url-query name=text
                -F name=value or name=@file · -T file · --json text · -u user:password · --oauth2-bearer token · -b cookies · -A agent · -e referer · -r 0-99 · --compressed
Where to        --resolve host:port:address · --connect-to host:port:host:port · -L follow redirects, --max-redirs n, --location-trusted
                -x proxy:port · -U user:password · -p tunnel by CONNECT for http, too · --proxy-header · --noproxy hosts
For how long    -m seconds · --connect-timeout seconds · --retry n, --retry-delay seconds, --retry-connrefused, --retry-all-errors
TLS             -k · --cacert file · --cert file · --key file · --tlsv1.2 · --tlsv1.3 · --tls-max version
Protocol        HTTP/1.1; -0 for HTTP/1.0 · --http2 (over https where the server agrees) · --http2-prior-knowledge · --path-as-is · --request-target path
Which answer    -f exit code 22 from 400 on · --fail-with-body
[1-3] and {a,b} in a URL are counted out; -g takes them as they are.`;

/** curl's flags by their long names. */
export const CURL_FLAGS: FlagSpec = {
  silent: onOff('s'),
  'show-error': onOff('S'),
  include: onOff('i'),
  head: onOff('I'),
  verbose: onOff('v'),
  fail: onOff('f'),
  'fail-with-body': onOff(),
  location: onOff('L'),
  'max-redirs': value(),
  insecure: onOff('k'),
  'http1.0': onOff('0'),
  'http1.1': onOff(),
  http2: onOff(),
  'http2-prior-knowledge': onOff(),
  'path-as-is': onOff(),
  tlsv1: onOff('1'),
  'tlsv1.2': onOff(),
  'tlsv1.3': onOff(),
  'tls-max': value(),
  proxy: value('x'),
  'proxy-user': value('U'),
  proxytunnel: onOff('p'),
  'proxy-header': many(),
  noproxy: value(),
  'fail-early': onOff(),
  'no-buffer': onOff('N'),
  globoff: onOff('g'),
  get: onOff('G'),
  compressed: onOff(),
  'no-progress-meter': onOff(),
  'progress-bar': onOff('#'),
  ipv4: onOff('4'),
  disable: onOff('q'),
  'no-keepalive': onOff(),
  'tcp-nodelay': onOff(),
  'limit-rate': value(),
  output: many('o'),
  'remote-name': onOff('O'),
  'dump-header': value('D'),
  'write-out': value('w'),
  header: many('H'),
  request: value('X'),
  data: many('d'),
  'data-raw': many(),
  'data-binary': many(),
  'data-ascii': many(),
  'data-urlencode': many(),
  form: many('F'),
  'form-string': many(),
  'upload-file': value('T'),
  json: value(),
  user: value('u'),
  basic: onOff(),
  'oauth2-bearer': value(),
  'location-trusted': onOff(),
  'request-target': value(),
  'url-query': many(),
  cacert: value(),
  cert: value('E'),
  key: value(),
  resolve: many(),
  'connect-to': many(),
  retry: value(),
  'retry-delay': value(),
  'retry-max-time': value(),
  'retry-connrefused': onOff(),
  'retry-all-errors': onOff(),
  'max-time': value('m'),
  'connect-timeout': value(),
  cookie: value('b'),
  'user-agent': value('A'),
  referer: value('e'),
  range: value('r'),
  url: many(),
  version: onOff('V'),
  help: onOff('h'),
};

export const HELP = "curl: try 'man curl' for what it knows here";

export const dialect: FlagDialect = {
  unknownLong: (flag) => new UsageError(`curl: option ${flag}: is unknown\n${HELP}`, 2),
  unknownShort: (letter) => new UsageError(`curl: option -${letter}: is unknown\n${HELP}`, 2),
  needsValue: (name) =>
    new UsageError(`curl: option ${name.startsWith('-') ? name : `-${name}`}: requires parameter\n${HELP}`, 2),
};
