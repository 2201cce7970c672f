const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LONGEST = 63;
const LONGEST_SUBDOMAIN = 253;

const NAME_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
/** What a name of DNS with dots has to be, in Kubernetes' words. */
export const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** Whether it is a name of DNS, of any length. */
export const isSubdomain = (name: string): boolean => SUBDOMAIN.test(name);

const tooLong = (most: number): string => `must be no more than ${most} characters`;

/** What is wrong with the key of a label or an annotation, in Kubernetes' words. */
export function labelKeyProblems(key: string): string[] {
  const [first = '', second, ...more] = key.split('/');
  if (more.length > 0)
    return [`a valid label key ${NAME_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const problems: string[] = [];
  if (second !== undefined) {
    if (first === '') problems.push('prefix part must be non-empty');
    else if (first.length > LONGEST_SUBDOMAIN) problems.push(`prefix part ${tooLong(LONGEST_SUBDOMAIN)}`);
    else if (!isSubdomain(first)) problems.push(`prefix part ${SUBDOMAIN_RULE}`);
  }
  const name = second ?? first;
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > LONGEST) problems.push(`name part ${tooLong(LONGEST)}`);
  if (!NAME.test(name)) problems.push(`name part ${NAME_RULE}`);
  return problems;
}

/** What is wrong with the value of a label, in Kubernetes' words. */
export function labelValueProblems(value: string): string[] {
  const problems: string[] = [];
  if (value.length > LONGEST) problems.push(tooLong(LONGEST));
  if (value !== '' && !NAME.test(value)) problems.push(VALUE_RULE);
  return problems;
}
