//! Icons, as one file with a symbol for each: `public/icons.svg`.

use leptos::prelude::*;

macro_rules! icons {
    ($($(#[$doc:meta])+ $icon:ident = $id:literal;)+) => {
        /// An icon.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Icon {
            $($(#[$doc])+ $icon,)+
        }

        impl Icon {
            /// All icons.
            pub const ALL: &[Self] = &[$(Self::$icon),+];

            /// Returns the id of the symbol.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$icon => $id,)+ }
            }
        }
    };
}

icons! {
    /// Activity, or a time.
    Clock = "clock";
    /// Data to download.
    Data = "data";
    /// A device of an unknown kind.
    Device = "device";
    /// All devices.
    Devices = "devices";
    /// A computer.
    Laptop = "laptop";
    /// A password.
    Lock = "lock";
    /// A log-in.
    LogIn = "log-in";
    /// A log-out.
    LogOut = "log-out";
    /// An email address.
    Mail = "mail";
    /// A phone.
    Phone = "phone";
    /// Security.
    Shield = "shield";
    /// A program that isn't a browser on a known system.
    Terminal = "terminal";
    /// A deletion.
    Trash = "trash";
    /// The account.
    User = "user";
    /// An event to check.
    Warning = "warning";
}

/// The color of an [`icon_box`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Gray.
    Neutral,
    /// The accent color: the current device, success.
    Accent,
    /// Amber: needs attention.
    Attention,
    /// Red: an error, or irreversible.
    Danger,
}

/// Renders an icon. Screen readers ignore it: the text beside it says what it means.
pub fn icon(icon: Icon) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true">
            <use href=format!("/icons.svg#{}", icon.id())></use>
        </svg>
    }
}

/// Renders an icon in a tinted square, at the beginning of a row.
pub fn icon_box(which: Icon, tone: Tone) -> impl IntoView {
    let tone = match tone {
        Tone::Neutral => None,
        Tone::Accent => Some("accent"),
        Tone::Attention => Some("attention"),
        Tone::Danger => Some("danger"),
    };
    view! {
        <span class="icon-box" data-tone=tone>
            {icon(which)}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icons_are_the_symbols_of_the_file() {
        let file = include_str!("../../../public/icons.svg");
        for icon in Icon::ALL {
            assert!(file.contains(&format!("<symbol id=\"{}\"", icon.id())), "{icon:?}");
        }
        assert_eq!(file.matches("<symbol ").count(), Icon::ALL.len());
    }
}
