// Words of a command as a shell would read them.

const quoted = (word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

export const commandLine = (words) => words.map(quoted).join(" ");
