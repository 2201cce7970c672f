/** A google.protobuf.Struct in protobuf's text form, each line behind `indent`. */
export function structText(values: Readonly<Record<string, unknown>>, indent: string): string {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([key, value]) =>
        `${indent}fields {\n${indent}  key: ${JSON.stringify(key)}\n${indent}  value {\n${valueText(value, `${indent}    `)}${indent}  }\n${indent}}\n`,
    )
    .join('');
}

function valueText(value: unknown, indent: string): string {
  if (typeof value === 'string') return `${indent}string_value: ${JSON.stringify(value)}\n`;
  if (typeof value === 'number') return `${indent}number_value: ${value}\n`;
  if (typeof value === 'boolean') return `${indent}bool_value: ${value}\n`;
  if (value === null || value === undefined) return `${indent}null_value: NULL_VALUE\n`;
  if (Array.isArray(value)) {
    const items = value
      .map((each) => `${indent}  values {\n${valueText(each, `${indent}    `)}${indent}  }\n`)
      .join('');
    return `${indent}list_value {\n${items}${indent}}\n`;
  }
  return `${indent}struct_value {\n${structText(value as Readonly<Record<string, unknown>>, `${indent}  `)}${indent}}\n`;
}
