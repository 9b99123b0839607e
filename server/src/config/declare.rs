//! The macro behind the table of settings. From each row follow a variant of `Setting`, a field of
//! `Config`, and how the value is read, printed and documented.

/// Declares the settings. The form of a row is in [`super::table`].
macro_rules! settings {
    ($(
        $(#[doc = $meaning:literal])+
        $setting:ident = $name:literal,
            $visibility:vis $field:ident: $type:ty = $default:expr
            $(, in $range:expr)?
            $(, described $description:literal)?
            $(, shown |$config:ident| $shown:expr)?;
    )+) => {
        /// A setting. The documentation of each variant is Markdown for operators and is part of
        /// docs/SETTINGS.md.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Setting {
            $($(#[doc = $meaning])+ $setting,)+
            /// A rate limit: the burst, and the time after which one more is allowed. Its other
            /// properties are in the table of `core`.
            Limit(LimitedAction),
        }

        /// The validated configuration: a field for each setting. Settings that belong together
        /// are read by the methods, such as [`Config::tls`].
        #[derive(Clone)]
        pub struct Config {
            $($(#[doc = $meaning])+ $visibility $field: $type,)+
            /// The rate limits, unless `rate_limits` is off.
            pub(super) limits: RateLimits,
        }

        impl Config {
            /// Reads all settings. One that is invalid has its default.
            pub(super) fn read(source: &mut impl ReadValue) -> Self {
                use $crate::config::declare::bounds;
                Self {
                    $($field: source.read($name, $default, &bounds!($($range)?)),)+
                    limits: read_limits(source),
                }
            }
        }

        impl Setting {
            /// All settings without the rate limits.
            pub(super) const PLAIN: &[Self] = &[$(Self::$setting),+];

            /// Returns the name, which is the same in the environment, in `countersign.toml` and in
            /// `.env`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$setting => $name,)+
                    Self::Limit(action) => action.rule().setting,
                }
            }

            /// Returns the meaning and the possible values, as one line of Markdown.
            pub(crate) fn meaning(self) -> String {
                use $crate::config::declare::bounds;
                match self {
                    $(Self::$setting => {
                        let bounds: <$type as SettingValue>::Bounds = bounds!($($range)?);
                        concat!($($meaning),+).trim().to_owned() + &bounds.to_markdown()
                    })+
                    Self::Limit(action) => meaning_of_limit(action).to_owned(),
                }
            }

            /// Returns the default value.
            pub(super) fn default_value(self) -> DefaultValue {
                use $crate::config::declare::default_value;
                match self {
                    $(Self::$setting => default_value!($type, $default $(, $description)?),)+
                    Self::Limit(action) => DefaultValue::of(&Limit(Some(action.rule().default))),
                }
            }

            /// Returns the effective value. Never returns a secret.
            pub(super) fn display_value(self, config: &Config) -> String {
                use $crate::config::declare::display_value;
                match self {
                    $(Self::$setting => {
                        $(let $config = config;)?
                        display_value!(&config.$field $(, $shown)?)
                    })+
                    Self::Limit(action) => Limit(config.rate_limits().get(action)).to_text(),
                }
            }
        }
    };
}

macro_rules! bounds {
    () => {
        ()
    };
    ($range:expr) => {
        $range
    };
}

macro_rules! default_value {
    ($type:ty, $default:expr) => {
        DefaultValue::of::<$type>(&$default)
    };
    ($type:ty, $default:expr, $description:literal) => {
        DefaultValue::Computed($description)
    };
}

macro_rules! display_value {
    ($value:expr) => {
        $value.to_text()
    };
    ($value:expr, $shown:expr) => {
        $shown
    };
}

pub(super) use {bounds, default_value, display_value, settings};
