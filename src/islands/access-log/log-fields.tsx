import { readLog } from './fields.ts';

interface LogFieldsProps {
  line: string;
  flags: readonly { flag: string; name: string; meaning: string }[];
}

/** A line field by field: its name, its value, what it means; each flag with its meaning where it stands. */
export function LogFields({ line, flags }: LogFieldsProps) {
  const fields = readLog(line).filter((field) => field.value !== '-' && field.value !== '');
  return (
    <table>
      <tbody>
        {fields.map((field) => (
          <tr key={field.name}>
            <th scope="row">{field.name}</th>
            <td className="mono">{field.value}</td>
            <td>
              {field.name === 'Flags' && flags.length > 0
                ? flags.map(({ flag, name, meaning }) => `${flag}: ${name}. ${meaning}`).join(' ')
                : field.meaning}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
