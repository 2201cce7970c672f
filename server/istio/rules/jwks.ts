import { errorMessage } from '#domain';

type Key = Readonly<Record<string, unknown>>;

/** Parameters that a key of this type must have (RFC 7518 §6), and those that its private form has besides. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['e', 'n'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  oct: ['k'],
};

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

function keyProblem(key: unknown): string | undefined {
  if (typeof key !== 'object' || key === null || Array.isArray(key)) return 'failed to unmarshal JSON into key hint';
  const fields = key as Key;
  const type = typeof fields['kty'] === 'string' ? fields['kty'] : '';
  const required = PARAMETERS[type];
  if (!required) return `invalid key type from JSON (${type})`;
  const missing = required.find((name) => typeof fields[name] !== 'string');
  if (missing !== undefined) return `failed to unmarshal JSON into key: required field ${missing} is missing`;
  const broken = required.find((name) => name !== 'crv' && !BASE64.test(String(fields[name])));
  return broken === undefined ? undefined : `failed to unmarshal JSON into key: ${broken} is not base64`;
}

const isPrivate = (key: unknown): boolean => {
  const fields = key as Key;
  return fields['kty'] === 'oct' || fields['d'] !== undefined;
};

/** What is wrong with a JSON Web Key Set, or with a single key that stands in its place, and which of its keys are private. */
export function readJwks(text: string): { readonly problem?: string; readonly privateKeys: readonly number[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `failed to unmarshal JWK set: ${errorMessage(error)}`, privateKeys: [] };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problem: 'failed to unmarshal JWK set: an object is expected', privateKeys: [] };
  }
  const set = value as Key;
  const keys = 'keys' in set ? set['keys'] : [set];
  if (keys !== null && !Array.isArray(keys)) {
    return { problem: 'failed to unmarshal JWK set: failed to decode "keys"', privateKeys: [] };
  }
  const list: readonly unknown[] = keys ?? [];
  for (const [index, key] of list.entries()) {
    const wrong = keyProblem(key);
    if (wrong) {
      const where = 'keys' in set ? `failed to decode key #${index} in "keys"` : 'failed to parse sole key in key set';
      return { problem: `failed to unmarshal JWK set: ${where}: ${wrong}`, privateKeys: [] };
    }
  }
  return { privateKeys: list.flatMap((key, index) => (isPrivate(key) ? [index] : [])) };
}
