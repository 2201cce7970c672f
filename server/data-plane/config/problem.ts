/** A resource this proxy cannot use. The text names the field and the reason; it goes back to the control plane in the NACK. */
export class ConfigProblem extends Error {
  readonly field: string;
  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`);
    this.name = 'ConfigProblem';
    this.field = field;
  }
}

/** In Envoy's words: an extension that this proxy does not have. */
export function unknownExtension(field: string, name: string, config?: { readonly '@type': string }): ConfigProblem {
  const type = config?.['@type'].split('/').at(-1);
  const typed = type === undefined ? '' : ` with type URL: '${type}'`;
  return new ConfigProblem(field, `Didn't find a registered implementation for '${name}'${typed}`);
}

/** Runs `read`, putting `field` before the field of any problem inside it. */
export function within<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof ConfigProblem) {
      throw new ConfigProblem(`${field}.${thrown.field}`, thrown.message.slice(thrown.field.length + 2));
    }
    throw thrown;
  }
}
