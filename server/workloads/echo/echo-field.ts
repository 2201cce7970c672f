/** A line of what the echo app tells; none where there is no value. */
export const echoField = (name: string, value: string | undefined): string => (value ? `${name}=${value}\n` : '');
