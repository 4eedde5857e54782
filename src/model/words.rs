//! The names of enum values in files, JSON and on the command line.

/// Declares the names of an enum, in the order in which messages list them.
macro_rules! words {
    ($type:ident { $($value:ident: $word:literal),* $(,)? }) => {
        impl $type {
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$value),*];
            pub const WORDS: [(&str, Self); [$($word),*].len()] = [$(($word, Self::$value)),*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word),*
                }
            }
        }
    };
}

pub(crate) use words;
