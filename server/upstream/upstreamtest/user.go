package upstreamtest

// User is a person at the provider.
type User struct {
	Login         string // how Authorize names them; their preferred_username
	Subject       string
	Name          string
	GivenName     string
	FamilyName    string
	Email         string
	EmailVerified bool
	Groups        []string
	Disabled      bool // renewals are refused
}

func alice() User {
	return User{
		Login: "alice", Subject: "a11ce000-0000-4000-8000-000000000001",
		Name: "Alice Example", GivenName: "Alice", FamilyName: "Example",
		Email: "alice@example.com", EmailVerified: true, Groups: []string{"/staff", "/admins"},
	}
}

func bob() User {
	return User{
		Login: "bob", Subject: "b0b00000-0000-4000-8000-000000000002",
		Name: "Bob Example", GivenName: "Bob", FamilyName: "Example",
		Email: "bob@example.com", EmailVerified: true, Groups: []string{"/staff"},
	}
}

// AddUser adds a user or replaces the one with the same login.
func (f *FakeIdP) AddUser(user User) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users[user.Login] = user
}

// SignIn says who a browser is that follows an authorization URL by itself; alice at the start.
func (f *FakeIdP) SignIn(login string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signedIn = login
}

// DisableUser makes renewals of a user fail with invalid_grant.
func (f *FakeIdP) DisableUser(login string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	user := f.users[login]
	user.Disabled = true
	f.users[login] = user
}

// profile returns the claims about a user.
func (u User) profile() map[string]any {
	return map[string]any{
		"name":               u.Name,
		"given_name":         u.GivenName,
		"family_name":        u.FamilyName,
		"email":              u.Email,
		"email_verified":     u.EmailVerified,
		"preferred_username": u.Login,
		"groups":             u.Groups,
	}
}
