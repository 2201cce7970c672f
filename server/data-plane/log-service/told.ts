type Fields = Readonly<Record<string, unknown>>;

/** A message in protobuf JSON without what is empty, which says nothing. */
export const told = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0);
